using System.Collections.Immutable;

namespace MoEActors.Placement.Parallelism;

/// <summary>All that a <see cref="ParallelismTuner"/> knows, to be saved with a checkpoint. Measured times, so that a new cost model may seed it.</summary>
/// <param name="Measured">What was measured, by bucket and choice.</param>
/// <param name="Seconds">All seconds recorded.</param>
/// <param name="Explored">Of these, what trials took beyond the best choice.</param>
public sealed record TunerState(ImmutableArray<MeasuredChoice> Measured, double Seconds, double Explored)
{
    /// <summary>Nothing measured yet.</summary>
    public static TunerState Empty { get; } = new([], 0, 0);
}

/// <summary>What one choice took in one capacity bucket.</summary>
/// <param name="Bucket">The capacity bucket.</param>
/// <param name="Choice">The choice.</param>
/// <param name="Count">Times measured.</param>
/// <param name="LogSeconds">Mean of the logarithm of its seconds.</param>
public sealed record MeasuredChoice(int Bucket, ParallelismChoice Choice, int Count, double LogSeconds);
