namespace MoEActors.Grains.Interfaces.Workers;

/// <summary>What a worker does, as far as its memory is concerned.</summary>
[GenerateSerializer]
[Alias("moe.memory.phase")]
public enum MemoryPhase
{
    /// <summary>An epoch is open and nothing runs: parameters, gradients, moments, and the tables of the exchange.</summary>
    Open,

    /// <summary>A micro-batch on its way to the loss.</summary>
    Forward,

    /// <summary>A micro-batch on its way back, and the update behind it, for which the arena stays.</summary>
    Backward,

    /// <summary>Experts arrive: they are here and at their source until the next epoch is open.</summary>
    Transfer,

    /// <summary>A checkpoint is written or read: a tensor at a time passes through host memory.</summary>
    Checkpoint,
}
