using MoEActors.Native.Communication;
using MoEActors.Native.Communication.InProcess;

namespace MoEActors.Tests.Native.Communication;

public sealed class InProcessCommunicatorProviderTests
{
    [Fact]
    public void Ranks_that_open_one_communicator_work_together()
    {
        InProcessCommunicatorProvider provider = new();
        ICommunicator[] ranks = [.. Enumerable.Range(0, 3).Select(rank => provider.Open(Spec(3, rank)))];
        Assert.All(RankThreads.Run(ranks, rank => rank.Broadcast(new PinnedMemory<int>(1).Span, 2)), failure => Assert.Null(failure));
        Assert.Equal(1, provider.OpenGroups);
    }

    [Fact]
    public void Communicators_that_differ_in_anything_but_the_rank_are_several()
    {
        InProcessCommunicatorProvider provider = new();
        CommunicatorSpec spec = Spec(1, 0);
        CommunicatorSpec[] specs =
        [
            spec, spec with { View = 2 }, spec with { Term = 9 }, spec with { Model = "other" },
            spec with { Purpose = CommunicatorPurpose.ShardCopy }, spec with { Purpose = CommunicatorPurpose.ShardCopy, Attempt = 1 },
        ];
        ICommunicator[] open = [.. specs.Select(provider.Open)];
        Assert.Equal(specs.Length, provider.OpenGroups);
        Array.ForEach(open, communicator => communicator.Dispose());
        Assert.Equal(0, provider.OpenGroups);
    }

    [Fact]
    public void A_communicator_is_forgotten_when_all_ranks_have_disposed()
    {
        InProcessCommunicatorProvider provider = new();
        ICommunicator[] ranks = [provider.Open(Spec(2, 0)), provider.Open(Spec(2, 1))];
        ranks[0].Dispose();
        ranks[0].Dispose();
        Assert.Equal(1, provider.OpenGroups);
        ranks[1].Dispose();
        Assert.Equal(0, provider.OpenGroups);
        using ICommunicator again = provider.Open(Spec(1, 0));
        again.Broadcast(new PinnedMemory<int>(1).Span, 0);
    }

    [Fact]
    public void Other_members_or_a_rank_taken_twice_are_an_error()
    {
        InProcessCommunicatorProvider provider = new();
        using ICommunicator rank = provider.Open(Spec(2, 0));
        string message = Assert.Throws<InvalidOperationException>(() => provider.Open(Spec(3, 1))).Message;
        Assert.Contains(
            "StepProgram communicator of model 'model', term 1, view 1 is open with 2 ranks (host/0, host/1); rank 1 wants 3 ranks", message);
        Assert.Throws<InvalidOperationException>(() => provider.Open(Spec(2, 1, "elsewhere")));
        Assert.Throws<InvalidOperationException>(() => provider.Open(Spec(2, 0)));
        Assert.Equal(1, provider.OpenGroups);
    }

    [Fact]
    public void The_progress_deadline_is_the_one_of_the_spec()
    {
        InProcessCommunicatorProvider provider = new();
        using ICommunicator rank = provider.Open(Spec(2, 0) with { ProgressDeadline = TimeSpan.FromMilliseconds(20) });
        CommunicatorException failure = Assert.Throws<CommunicatorException>(() => rank.Broadcast(new PinnedMemory<int>(1).Span, 0));
        Assert.Equal([1], failure.MissingRanks);
    }

    private static CommunicatorSpec Spec(int size, int rank, string host = "host") =>
        new(Enumerable.Range(0, size).Select(i => new CommunicatorMember(i, host, i)), rank)
        {
            Purpose = CommunicatorPurpose.StepProgram,
            Model = "model",
            Term = 1,
            View = 1,
        };
}
