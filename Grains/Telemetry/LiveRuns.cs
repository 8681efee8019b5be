using System.Collections.Concurrent;
using MoEActors.Grains.Durability;
using MoEActors.Grains.Interfaces.Training;

namespace MoEActors.Grains.Telemetry;

/// <summary>
/// The runs whose coordinators or directors are on this silo, for those who ask how they stand: gauges and health checks. What is said of a run here ends when its
/// coordinator goes elsewhere, so that nobody reads two of them.
/// </summary>
public sealed class LiveRuns : IDisposable
{
    private static readonly ConcurrentDictionary<LiveRuns, bool> Silos = new();

    private readonly ConcurrentDictionary<string, LiveRun> _runs = new();
    private readonly ConcurrentDictionary<string, WatchedLoad> _watched = new();

    /// <summary>Those of one silo.</summary>
    public LiveRuns()
    {
        Silos[this] = true;
        RunGauges.Show();
    }

    /// <summary>The runs that this silo coordinates, by model, with the committed steps that no snapshot has; null where there are no snapshots.</summary>
    public IEnumerable<(string Model, long? SnapshotAge)> SnapshotAges => _runs.Select(run => (run.Key, run.Value.SnapshotAge));

    /// <summary>All runs of this process.</summary>
    internal static IEnumerable<KeyValuePair<string, LiveRun>> All => Silos.Keys.SelectMany(silo => silo._runs);

    /// <summary>What all directors of this process see.</summary>
    internal static IEnumerable<KeyValuePair<string, WatchedLoad>> AllWatched => Silos.Keys.SelectMany(silo => silo._watched);

    /// <inheritdoc />
    public void Dispose() => Silos.TryRemove(this, out _);

    /// <summary>A coordinator begins here.</summary>
    internal void Begin(string model, LiveRun run) => _runs[model] = run;

    /// <summary>The model has no coordinator here any more.</summary>
    internal void End(string model) => _runs.TryRemove(model, out _);

    /// <summary>The director of a model has seen a step.</summary>
    internal void Watch(string model, WatchedLoad load) => _watched[model] = load;

    /// <summary>The model has no director here any more.</summary>
    internal void EndWatch(string model) => _watched.TryRemove(model, out _);
}

/// <summary>How a run stands. From any thread.</summary>
/// <param name="feed">What is kept of its last steps.</param>
/// <param name="record">What is written down of it.</param>
/// <param name="hasSnapshots">Whether snapshots are taken on this silo.</param>
internal sealed class LiveRun(RunFeed feed, Func<RunRecord> record, bool hasSnapshots)
{
    /// <summary>Committed steps.</summary>
    public long Step => record().Step;

    /// <summary>The last steps that were committed here, oldest first.</summary>
    public IReadOnlyList<StepOutcome> Window => feed.Window;

    /// <summary>Committed steps that no snapshot has: they would be learnt again if a silo died. Null where there are no snapshots.</summary>
    public long? SnapshotAge => record() is { InferenceOnly: false } now && hasSnapshots
        ? now.Step - (now.Snapshots is [.., var last] ? last.Step : now.CheckpointStep)
        : null;
}

/// <summary>What a director has seen of the last step.</summary>
/// <param name="Ratios">By layer: tokens of the busiest worker over the mean.</param>
/// <param name="PredictionError">Mean relative error of predicted seconds; null where nothing was measured.</param>
internal sealed record WatchedLoad(double[] Ratios, double? PredictionError);
