namespace MoEActors.Grains.Interfaces.Director;

/// <summary>What the gates routed in a committed step.</summary>
[GenerateSerializer]
[Immutable]
[Alias("moe.director.load")]
public sealed class StepLoad
{
    /// <summary>The step.</summary>
    [Id(0)]
    public required long Step { get; init; }

    /// <summary>The epoch that is open after it.</summary>
    [Id(1)]
    public required long Epoch { get; init; }

    /// <summary>Raised by every change of the director's settings.</summary>
    [Id(2)]
    public required long Revision { get; init; }

    /// <summary>By layer and expert: tokens that reached it.</summary>
    [Id(3)]
    public required long[][] Tokens { get; init; }

    /// <summary>By layer: tokens dropped for want of capacity.</summary>
    [Id(4)]
    public required long[] Dropped { get; init; }

    /// <summary>Number of the decision that is landing; 0 for none.</summary>
    [Id(6)]
    public long Landing { get; init; }

    /// <summary>
    /// By layer: seconds of processor time that the slowest worker spent in its exchange and experts - own work, without waiting for others; empty
    /// where they were not measured.
    /// </summary>
    [Id(5)]
    public double[] LayerSeconds { get; init; } = [];
}
