namespace MoEActors.Modules.Timing;

/// <summary>The memory of one worker, in bytes, as far as one model is concerned.</summary>
public sealed class WorkerMemory
{
    /// <summary>What the device may allocate.</summary>
    public long Budget { get; init; }

    /// <summary>What the device has allocated, for all models.</summary>
    public long Used { get; init; }

    /// <summary>What this model has of it.</summary>
    public long Model { get; init; }

    /// <summary>What copies of its snapshots have of it beside that; they make room when something else of the model needs it.</summary>
    public long Copies { get; init; }

    /// <summary>What its arena holds: activations of a round.</summary>
    public long Arena { get; init; }

    /// <summary>The most that was in use in its arena.</summary>
    public long ArenaPeak { get; init; }

    /// <summary>What steps have allocated outside of the arena and not freed: 0, or something leaks.</summary>
    public long Leaked { get; init; }

    /// <summary>The most that the model had after a view was opened.</summary>
    public long OpenPeak { get; init; }

    /// <summary>The most that the model had after a step.</summary>
    public long StepPeak { get; init; }

    /// <summary>The most that the model had while experts were on their way.</summary>
    public long TransferPeak { get; init; }

    /// <summary>What is left for this model: the budget without what other models have.</summary>
    public long Available => Budget - (Used - Model - Copies);
}

/// <summary>What a worker does, as far as its memory is concerned.</summary>
public enum MemoryPhase
{
    /// <summary>A view is open and nothing runs: parameters, gradients, moments, and the tables of the exchange.</summary>
    Open,

    /// <summary>A micro-batch on its way to the loss.</summary>
    Forward,

    /// <summary>A micro-batch on its way back, and the update behind it, for which the arena stays.</summary>
    Backward,

    /// <summary>Experts arrive: they are here and at their source until the next view is open.</summary>
    Transfer,

    /// <summary>A checkpoint is written or read: a tensor at a time passes through host memory.</summary>
    Checkpoint,
}
