using System.Collections.Immutable;
using MoEActors.Grains.Cluster;
using MoEActors.Grains.Interfaces.Director;
using MoEActors.Grains.Protocol;
using MoEActors.Modules.Timing;
using MoEActors.Placement.Costs;
using MoEActors.Placement.Load;
using MoEActors.Placement.Planners;
using MoEActors.Placement.Policy;
using MoEActors.Placement.Quotas;

namespace MoEActors.Grains.Director;

/// <summary>What the director knows under one placement: the load of recent steps, what the cluster costs, and the policy that plans from both.</summary>
internal sealed class LoadWatch
{
    /// <summary>Weight of a step in the mean of the prediction error.</summary>
    private const double Recent = 0.05;

    /// <summary>Steps that a layer's measured seconds are the mean of.</summary>
    private const int MeasuredSteps = 8;

    /// <summary>A layer with a balance ratio above this is not left waiting.</summary>
    private const double Urgent = 1.25;

    private readonly LayerPlacement[] _layers;
    private ImmutableArray<int>[] _slots;
    private readonly ModelConfiguration _model;
    private readonly IQuotaRule _quotas;
    private readonly DirectorPolicy _policy;
    private readonly DirectorMemory _memory;
    private readonly Queue<double[]> _seconds = [];
    private LoadWindow _window;
    private long _observed;
    private long _planned;

    /// <summary>Begins to watch a placement.</summary>
    /// <param name="settings">How eager the director is.</param>
    /// <param name="calibration">What the cluster was measured to do.</param>
    /// <param name="map">The placement.</param>
    /// <param name="run">The run.</param>
    /// <param name="memory">Memory of each rank's worker.</param>
    /// <param name="before">What was known under the placement before; null for nothing.</param>
    public LoadWatch(
        DirectorSettings settings, ClusterCalibration calibration, PlacementMap map, RunConfiguration run, IReadOnlyList<WorkerMemory> memory,
        LoadWatch? before)
    {
        Settings = settings;
        Calibration = calibration;
        _layers = [.. Enumerable.Range(0, map.Layers).Select(map.PlacementOf)];
        _model = run.Model;
        _slots = SlotsOf(memory.Select(worker => worker.Budget - worker.Used));
        _quotas = run.Reproducible ? new MicroBatchQuotas(run.MicroBatches) : new TokenQuotas();
        IPlanner planner = PlannerCatalog.All.First(one => one.Name == settings.Policy);
        _policy = new DirectorPolicy(planner, settings.ToOptions());
        _memory = before?._memory ?? new DirectorMemory();
        _window = before?._window ?? new LoadWindow();
        _planned = before?._planned ?? -settings.Every;
        Step = before?.Step ?? 0;
        Ratios = before?.Ratios ?? [.. _layers.Select(_ => 1.0)];
        Costs = MeasuredCosts.Of(calibration, map, run);
        PredictionError = before?.PredictionError;
    }

    /// <summary>Goes over to the placement that a change has led to; what is known of the load and of the cluster stays.</summary>
    public void Follow(PlacementMoved moved)
    {
        foreach (LayerProposal layer in moved.Layers)
        {
            _layers[layer.Layer] = new LayerPlacement(_layers[layer.Layer].Workers, layer.Ranks);
        }

        _slots = SlotsOf(moved.FreeBytes);
        _seconds.Clear();
        _observed = 0;
    }

    public DirectorSettings Settings { get; }

    public ClusterCalibration Calibration { get; }

    public CostModel Costs { get; }

    /// <summary>The last step seen, under this placement or the one before; 0 for none.</summary>
    public long Step { get; private set; }

    /// <summary>By layer: balance ratio of that step.</summary>
    public double[] Ratios { get; private set; }

    /// <summary>Mean of |predicted − measured| / measured over layers and recent steps; null where nothing was measured.</summary>
    public double? PredictionError { get; private set; }

    /// <summary>By layer: mean seconds of the last steps under this placement, on the slowest worker; null where nothing was measured.</summary>
    public IReadOnlyList<double?> MeasuredSeconds =>
        [.. _layers.Select((_, layer) => _seconds.Count == 0 ? (double?)null : _seconds.Average(step => step[layer]))];

    /// <summary>Takes in the load of a step; false for one that is no newer than the last under this placement.</summary>
    public bool Observe(StepLoad load)
    {
        if (load.Step <= _observed)
        {
            return false;
        }

        if (_window.Samples.Count > 0 && load.Step <= _window.Newest.Step)
        {
            // The model has gone back to a checkpoint.
            _window = new LoadWindow();
            _planned = -Settings.Every;
        }

        Step = _observed = load.Step;
        _window.Add(new LoadSample(load.Step, load.Tokens, load.Dropped));
        LayerQuotas?[] quotas = [.. _layers.Select((layer, i) => layer.Experts == 0 ? null : _quotas.Split(layer, load.Tokens[i]))];
        Ratios = [.. quotas.Select(split => split?.BalanceRatio ?? 1)];
        Compare(quotas, load.LayerSeconds);
        if (load.LayerSeconds.Length > 0)
        {
            _seconds.Enqueue(load.LayerSeconds);
            if (_seconds.Count > MeasuredSteps)
            {
                _seconds.Dequeue();
            }
        }

        return true;
    }

    /// <summary>
    /// Whether it is time to plan. Planning after every step would keep up with noise, at the price of the processor time that steps need: on two
    /// cores it took the control plane's share of the demo's step from 1.8 to 2.8 %.
    /// </summary>
    public bool IsToPlan => !Settings.Paused && (Step - _planned >= Settings.Every || Ratios.Max() > Urgent);

    /// <summary>Makes a plan from the load so far.</summary>
    public PlacementPlan Plan()
    {
        _planned = Step;
        return _policy.Plan(_window, _layers, _slots, Costs, _quotas, _memory);
    }

    /// <summary>Predictions of the cost model against what the workers measured.</summary>
    private void Compare(LayerQuotas?[] quotas, double[] measured)
    {
        for (int layer = 0; layer < measured.Length; layer++)
        {
            if (quotas[layer] is { } split && measured[layer] > 0)
            {
                double error = Math.Abs(Costs.LayerSeconds(split) - measured[layer]) / measured[layer];
                PredictionError = PredictionError is { } mean ? mean + (Recent * (error - mean)) : error;
            }
        }
    }

    private ImmutableArray<int>[] SlotsOf(IEnumerable<long> freeBytes)
    {
        int[] room = [.. freeBytes.Select(free => RoomFor(free, _model))];
        return [.. _layers.Select(layer => Slots(layer, Settings.SpareSlots ?? layer.Workers, room))];
    }

    /// <summary>
    /// One slot per expert and the spare ones, or what the workers hold where a move by hand has put more; no more than there is memory for.
    /// </summary>
    private static ImmutableArray<int> Slots(LayerPlacement layer, int spare, int[] room)
    {
        if (layer.Experts == 0)
        {
            return [.. new int[layer.Workers]];
        }

        int most = (int)Math.Min(int.MaxValue, (long)layer.Experts * (layer.Workers - 1));
        ImmutableArray<int> slots = SpareSlots.Of(layer.Experts, layer.Workers, Math.Min(spare, most));
        ImmutableArray<int> held = layer.ShardsPerWorker();
        return [.. Enumerable.Range(0, layer.Workers).Select(rank => Math.Clamp(slots[rank], held[rank], held[rank] + room[rank]))];
    }

    /// <summary>Shards of each layer that a worker has the memory for, beside those it holds.</summary>
    private static int RoomFor(long free, ModelConfiguration model)
    {
        long shard = 4L * sizeof(float) * ModelLayout.ExpertCount(model);
        return (int)Math.Clamp(free / shard / Math.Max(1, model.MoELayers.Count()), 0, int.MaxValue / 2);
    }
}
