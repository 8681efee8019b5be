using System.Collections.Immutable;
using MoEActors.Grains.Cluster;
using MoEActors.Grains.Interfaces.Training;
using MoEActors.Placement.Costs;
using MoEActors.Placement.Parallelism;

namespace MoEActors.Grains.Parallelism;

/// <summary>
/// Chooses what travels in a layer from what steps took, one dictionary for all layers of as many experts: by the capacity that the last step's busiest expert needed, as the next
/// one's is not known before it is routed. Whatever it tries in a reproducible run, no bit of a result changes; time alone does. What is measured is the layer's time on the clock of its slowest worker.
/// Source: Tutel (arXiv 2206.03382), section 3.3.
/// </summary>
internal sealed class ParallelismTuning(RunConfiguration run)
{
    private readonly SortedDictionary<int, ParallelismTuner> _tuners = [];
    private readonly Dictionary<int, Load> _loads = [];
    private readonly Dictionary<int, Choice> _chosen = [];
    private readonly HashSet<(int Layer, ParallelismChoice What)> _warm = [];
    private ImmutableSortedDictionary<int, TunerState> _known = ImmutableSortedDictionary<int, TunerState>.Empty;
    private PlacementMap? _map;
    private CostModel? _costs;
    private int _workers;

    /// <summary>Takes over what was learnt before a checkpoint.</summary>
    /// <param name="workers">The workers that it was measured with; with others it counts for nothing.</param>
    /// <param name="known">By experts of a layer: what its tuner knew.</param>
    public void Recall(int workers, ImmutableSortedDictionary<int, TunerState> known) => (_workers, _known) = (workers, known);

    /// <summary>What is to be saved.</summary>
    public (int Workers, ImmutableSortedDictionary<int, TunerState> Tuners) Memory =>
        (_workers, _tuners.Count == 0 ? _known : _tuners.ToImmutableSortedDictionary(tuner => tuner.Key, tuner => tuner.Value.State));

    /// <summary>Goes on with a placement. A move changes what a layer takes a little; another number of workers, all of it.</summary>
    public void Enter(PlacementMap map, ClusterCalibration calibration)
    {
        if (_map == map)
        {
            return;
        }

        int workers = map.Workers.Length;
        if (workers != _workers)
        {
            _known = ImmutableSortedDictionary<int, TunerState>.Empty;
        }

        if (workers != _map?.Workers.Length)
        {
            _tuners.Clear();
        }

        (_map, _workers) = (map, workers);
        _costs = MeasuredCosts.Of(calibration, map, run);
        _warm.Clear();
    }

    /// <summary>What is to travel in a layer in the next step.</summary>
    /// <param name="layer">The layer.</param>
    /// <param name="tokens">Tokens of the step.</param>
    public ParallelismChoice Choose(int layer, long tokens)
    {
        int experts = run.Model.Experts[layer];
        if (!_loads.TryGetValue(layer, out Load load))
        {
            long even = tokens * run.Model.Gate.TopK;
            _loads[layer] = load = new Load(even, Math.Max(1, even / experts));
        }

        int bucket = ParallelismTuner.BucketOf(load.Capacity);
        ParallelismChoice what = TunerOf(experts, load).Choose(bucket);
        _chosen[layer] = new Choice(bucket, what);
        return what;
    }

    /// <summary>Learns what a step took. The first one of a way of travelling makes its buffers, and is left out.</summary>
    public void Learn(StepOutcome outcome)
    {
        foreach ((int layer, Choice chosen) in _chosen)
        {
            double seconds = outcome.Timings.Max(timing => timing.MixtureElapsed[layer]);
            if (!_warm.Add((layer, chosen.What)) && seconds > 0)
            {
                _tuners[run.Model.Experts[layer]].Record(chosen.Bucket, chosen.What, seconds);
            }

            long[] kept = outcome.KeptTokens[layer];
            _loads[layer] = new Load(kept.Sum(), Math.Max(1, kept.Max()));
        }

        _chosen.Clear();
    }

    /// <summary>Why a layer has what it has: a sentence; null before its first step.</summary>
    public string? Explain(int layer) => _loads.TryGetValue(layer, out Load load) && _tuners.TryGetValue(run.Model.Experts[layer], out ParallelismTuner? tuner)
        ? tuner.Explain(ParallelismTuner.BucketOf(load.Capacity))
        : null;

    private ParallelismTuner TunerOf(int experts, Load load)
    {
        if (!_tuners.TryGetValue(experts, out ParallelismTuner? tuner))
        {
            var costs = new ParallelismCosts(_costs!, experts);
            long rows = Math.Max(1, load.Rows / _workers);
            _tuners[experts] = tuner = new ParallelismTuner(
                EngineChoices.Of(run, experts, _map!), (bucket, choice) => costs.StepSeconds(choice, rows, Busiest(bucket, experts, rows)), _known.GetValueOrDefault(experts));
        }

        return tuner;
    }

    /// <summary>
    /// The busiest worker's rows over the mean, where the busiest expert has a bucket's rows and the others share the rest. It seeds the tuner; measured times correct it.
    /// </summary>
    private double Busiest(int bucket, int experts, long rows)
    {
        double all = (double)rows * _workers, most = Math.Min(all, (bucket - 0.5) * ParallelismTuner.BucketWidth);
        double beside = Math.Max(0, ((double)experts / _workers) - 1) * (all - most) / Math.Max(1, experts - 1);
        return Math.Max(1, (most + beside) / rows);
    }

    private readonly record struct Load(long Rows, long Capacity);

    private readonly record struct Choice(int Bucket, ParallelismChoice What);
}
