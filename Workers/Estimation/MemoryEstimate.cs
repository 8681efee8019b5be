using MoEActors.Workers.Memory;

namespace MoEActors.Workers.Estimation;

/// <summary>What the workers of a view need.</summary>
/// <param name="Shape">The micro-batch.</param>
/// <param name="Skew">Rows that come to a worker's experts over its equal share.</param>
/// <param name="Workers">By rank.</param>
public sealed record MemoryEstimate(MicroBatchShape Shape, double Skew, IReadOnlyList<WorkerEstimate> Workers);

/// <summary>What a worker needs, in bytes: what it holds, by kind, and what it comes to, by phase.</summary>
/// <param name="Rank">The worker's rank.</param>
/// <param name="Parameters">Values of the dense replica and of the local experts.</param>
/// <param name="Gradients">Their gradients.</param>
/// <param name="DenseSums">The running sum of the dense gradients over the rounds of a step.</param>
/// <param name="Moments">Both Adam moments.</param>
/// <param name="Tables">Exchange counts, norms of gradients, rotary tables.</param>
/// <param name="ForwardArena">The most that activations take, forward.</param>
/// <param name="BackwardArena">The most that activations and their gradients take.</param>
/// <param name="Phases">By phase, in the order of <see cref="MemoryPhase"/>: the most bytes that are in use on the device.</param>
public sealed record WorkerEstimate(
    int Rank, long Parameters, long Gradients, long DenseSums, long Moments, long Tables, long ForwardArena, long BackwardArena, IReadOnlyList<long> Phases)
{
    /// <summary>
    /// Copies of two snapshots in the host's memory: what the worker writes of them, and what it keeps for others. They have what phases leave, and a run that leaves less goes on
    /// without them.
    /// </summary>
    public long Copies { get; init; }

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
