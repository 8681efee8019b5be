namespace MoEActors.Grains.Interfaces.Workers;

/// <summary>The memory of one worker, in bytes, as far as one model is concerned.</summary>
[GenerateSerializer]
[Immutable]
[Alias("moe.memory.worker")]
public sealed class WorkerMemory
{
    /// <summary>What the device may allocate.</summary>
    [Id(0)]
    public long Budget { get; init; }

    /// <summary>What the device has allocated, for all models.</summary>
    [Id(1)]
    public long Used { get; init; }

    /// <summary>What this model has of it.</summary>
    [Id(2)]
    public long Model { get; init; }

    /// <summary>What its arena holds: activations of a round.</summary>
    [Id(3)]
    public long Arena { get; init; }

    /// <summary>The most that was in use in its arena.</summary>
    [Id(4)]
    public long ArenaPeak { get; init; }

    /// <summary>What steps have allocated outside of the arena and not freed: 0, or something leaks.</summary>
    [Id(5)]
    public long Leaked { get; init; }

    /// <summary>The most that the model had after an epoch was opened.</summary>
    [Id(6)]
    public long OpenPeak { get; init; }

    /// <summary>The most that the model had after a step.</summary>
    [Id(7)]
    public long StepPeak { get; init; }

    /// <summary>The most that the model had while experts were on their way.</summary>
    [Id(8)]
    public long TransferPeak { get; init; }

    /// <summary>What is left for this model: the budget without what other models have.</summary>
    public long Available => Budget - (Used - Model);
}
