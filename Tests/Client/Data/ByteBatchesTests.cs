using MoEActors.Client.Data;
using MoEActors.Grains.Interfaces.Errors;

namespace MoEActors.Tests.Client.Data;

public sealed class ByteBatchesTests
{
    [Theory]
    [InlineData(8, "2000000000 sequences of 128 tokens are too many for 8 micro-batches")]
    [InlineData(1_000_000, "1953125 MiB of token ids for a step, more than a quarter of the memory")]
    public void A_step_that_cannot_be_held_is_refused_before_memory_is_taken(int microBatches, string complaint)
    {
        var windows = new TrainingWindows([new TextDocument("a", new byte[1000])], seed: 1, length: 128);
        InvalidRequestException refused = Assert.Throws<InvalidRequestException>(
            () => ByteBatches.OfStep(windows, step: 1, microBatches, sequences: 2_000_000_000));
        Assert.Contains(complaint, refused.Message, StringComparison.Ordinal);
    }
}
