namespace MoEActors.Grains.Interfaces.Workers;

/// <summary>A micro-batch of token ids and its place in the step.</summary>
[GenerateSerializer]
[Immutable]
[Alias("moe.microbatch")]
public sealed class MicroBatchMessage
{
    /// <summary>Place in the step, from 0.</summary>
    [Id(0)]
    public int Index { get; init; }

    /// <summary>[sequences × length] ids; −1 is padding.</summary>
    [Id(1)]
    public int[] Inputs { get; init; } = [];

    /// <summary>[sequences × length] ids to predict; −1 is masked.</summary>
    [Id(2)]
    public int[] Targets { get; init; } = [];

    /// <summary>Length of a sequence.</summary>
    [Id(3)]
    public int SequenceLength { get; init; }
}
