using MoEActors.Native.Communication;
using MoEActors.Native.Communication.InProcess;

namespace MoEActors.Tests.Native.Communication;

public sealed class InProcessCommunicatorProviderTests
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(30);

    [Fact]
    public void Ranks_that_open_one_epoch_meet()
    {
        InProcessCommunicatorProvider provider = new();
        ICommunicator[] ranks = [.. Enumerable.Range(0, 3).Select(rank => provider.Open("model", 4, rank, 3, Deadline))];
        Assert.All(RankThreads.Run(ranks, rank => rank.Broadcast(new PinnedMemory<int>(1).Span, 2)), failure => Assert.Null(failure));
        Assert.Equal(1, provider.OpenGroups);
    }

    [Fact]
    public void Epochs_and_models_do_not_meet()
    {
        InProcessCommunicatorProvider provider = new();
        using ICommunicator first = provider.Open("model", 1, 0, 1, Deadline);
        using ICommunicator second = provider.Open("model", 2, 0, 1, Deadline);
        using ICommunicator other = provider.Open("other", 1, 0, 1, Deadline);
        Assert.Equal(3, provider.OpenGroups);
    }

    [Fact]
    public void An_epoch_is_forgotten_when_all_have_disposed()
    {
        InProcessCommunicatorProvider provider = new();
        ICommunicator[] ranks = [provider.Open("model", 1, 0, 2, Deadline), provider.Open("model", 1, 1, 2, Deadline)];
        ranks[0].Dispose();
        ranks[0].Dispose();
        Assert.Equal(1, provider.OpenGroups);
        ranks[1].Dispose();
        Assert.Equal(0, provider.OpenGroups);
        using ICommunicator again = provider.Open("model", 1, 0, 1, Deadline);
        again.Broadcast(new PinnedMemory<int>(1).Span, 0);
    }

    [Fact]
    public void Another_size_or_a_rank_taken_twice_is_an_error()
    {
        InProcessCommunicatorProvider provider = new();
        using ICommunicator rank = provider.Open("model", 1, 0, 2, Deadline);
        string message = Assert.Throws<InvalidOperationException>(() => provider.Open("model", 1, 1, 3, Deadline)).Message;
        Assert.Contains("Epoch 1 of model 'model' is open with 2 ranks; rank 1 wants 3", message);
        Assert.Throws<InvalidOperationException>(() => provider.Open("model", 1, 0, 2, Deadline));
        Assert.Throws<ArgumentOutOfRangeException>(() => provider.Open("model", 9, 2, 2, Deadline));
        Assert.Equal(1, provider.OpenGroups);
    }
}
