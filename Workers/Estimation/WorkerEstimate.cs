namespace MoEActors.Workers.Estimation;

/// <summary>What a worker needs, in bytes: what it holds, by kind, and what it comes to, by phase.</summary>
public sealed record WorkerEstimate
{
    /// <summary>The worker's rank.</summary>
    public required int Rank { get; init; }

    /// <summary>Values of the dense replica and of the local experts.</summary>
    public required long Parameters { get; init; }

    /// <summary>Their gradients.</summary>
    public required long Gradients { get; init; }

    /// <summary>The running sum of the dense gradients over the rounds of a step.</summary>
    public required long DenseSums { get; init; }

    /// <summary>Both Adam moments.</summary>
    public required long Moments { get; init; }

    /// <summary>Exchange counts, norms of gradients, rotary tables.</summary>
    public required long Tables { get; init; }

    /// <summary>The most that activations take, forward.</summary>
    public required long ForwardArena { get; init; }

    /// <summary>The most that activations and their gradients take.</summary>
    public required long BackwardArena { get; init; }

    /// <summary>By phase, in the order of <see cref="MemoryPhase"/>: the most bytes that are in use on the device.</summary>
    public required IReadOnlyList<long> Phases { get; init; }

    /// <summary>The first phase that needs more than a device may allocate; null when all fit. Checkpoints pass through host memory.</summary>
    /// <param name="available">Bytes that there are.</param>
    /// <param name="moving">Whether experts move.</param>
    public MemoryPhase? FirstBeyond(long available, bool moving)
    {
        for (MemoryPhase phase = MemoryPhase.Open; phase <= (moving ? MemoryPhase.Transfer : MemoryPhase.Backward); phase++)
        {
            if (Phases[(int)phase] > available)
            {
                return phase;
            }
        }

        return null;
    }
}
