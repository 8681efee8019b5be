using MoEActors.Grains.Cluster;
using MoEActors.Grains.Durability;
using MoEActors.Grains.Interfaces.Errors;
using MoEActors.Grains.Parallelism;
using MoEActors.Modules.Gates;
using MoEActors.Modules.Timing;
using MoEActors.Native.DryRun;
using MoEActors.Placement.Parallelism;
using MoEActors.Workers.Estimation;
using MoEActors.Workers.Memory;

namespace MoEActors.Grains.Training;

/// <summary>
/// Refuses what does not fit the memory of a worker, before any worker is told: the opening of a view, a change of placement, and the step or
/// the evaluation of a micro-batch that is larger than those before it. What cannot be estimated, with experts or gates of one's own, is let through.
/// </summary>
internal sealed class MemoryAdmission(RunConfiguration run, Members members, CoordinatorTerm term)
{
    /// <summary>The largest micro-batches of steps that have come so far.</summary>
    private readonly CoveredShapes _trained = new();

    /// <summary>Those that are known to fit under the policies of the gates as they are.</summary>
    private readonly CoveredShapes _fits = new();

    private readonly bool _knows = MemoryEstimator.Knows(run);

    private GatePolicy[] _gates = [];
    private ParallelismChoice[] _parallelism = [];

    /// <summary>What the workers of a placement compute on; they are of one kind.</summary>
    private ImitatedDevice DeviceOf(PlacementMap map) => ImitatedDevice.OfKind(members.KindOf(map.Workers[0].Silo));

    /// <summary>
    /// Throws unless every worker has the memory for a placement and for micro-batches as large as those that were trained so far; for one sequence
    /// when there were none.
    /// </summary>
    /// <param name="map">The placement.</param>
    /// <param name="before">The placement from which experts move there beside a step; null when none moves.</param>
    /// <param name="wished">The run with what is to travel in its steps; null for what does.</param>
    /// <exception cref="MemoryRefusedException">Naming the first worker that has too little.</exception>
    public async Task RequireAsync(PlacementMap map, PlacementMap? before, RunRecord? wished = null)
    {
        RunRecord record = wished ?? term.Record;
        if (!_knows)
        {
            return;
        }

        var least = new MicroBatchShape(1, run.Model.Backbone == Backbone.None ? 1 : run.Model.MaximumSequence);
        foreach (MicroBatchShape shape in _trained.Shapes.DefaultIfEmpty(least).ToArray())
        {
            // Not in a grain's turn: a large model takes a while.
            await Task.Run(() => Require(map, before, shape, record));
        }
    }

    /// <summary>Throws unless every worker has the memory for a step with each of the micro-batches.</summary>
    /// <exception cref="MemoryRefusedException">Naming the first worker that has too little.</exception>
    public Task RequireStepAsync(MicroBatch[] batches) => RequireStepAsync(batches.Select(MicroBatchShape.Of));

    /// <summary>Throws unless every worker has the memory for a pass of so many rows through a layer without a backbone.</summary>
    /// <exception cref="MemoryRefusedException">Naming the first worker that has too little.</exception>
    public Task RequireRowsAsync(int rows) => RequireStepAsync([new MicroBatchShape((rows + run.MicroBatches - 1) / run.MicroBatches, 1)]);

    private async Task RequireStepAsync(IEnumerable<MicroBatchShape> shapes)
    {
        if (_gates != term.Record.Gates || _parallelism != term.Record.Parallelism)
        {
            (_gates, _parallelism) = (term.Record.Gates, term.Record.Parallelism);
            _fits.Clear();
        }

        foreach (MicroBatchShape shape in shapes)
        {
            if (_knows && !_fits.Contains(shape))
            {
                RunRecord record = term.Record;
                await Task.Run(() => Require(members.Map!, before: null, shape, record));
                _fits.Add(shape);
                _trained.Add(shape);
            }
        }
    }

    /// <summary>Throws unless every worker has the memory to evaluate each of the micro-batches.</summary>
    /// <exception cref="MemoryRefusedException">Naming the first worker that has too little.</exception>
    public async Task RequireEvaluationAsync(MicroBatch[] batches)
    {
        foreach (MicroBatchShape shape in batches.Select(MicroBatchShape.Of).Distinct())
        {
            // Forward and backward need more.
            if (_knows && !_fits.Contains(shape))
            {
                GatePolicy[] gates = term.Record.Gates;
                await Task.Run(() => RequireEvaluation(members.Map!, shape, gates));
            }
        }
    }

    private void Require(PlacementMap map, PlacementMap? before, MicroBatchShape shape, RunRecord record)
    {
        Require(map, before, shape, record.Gates, record.Parallelism);
        if (record.TunedLayers.Any(layer => MostSlices(layer, map) > 1))
        {
            // Of a layer that is tuned the record has what needs the most memory for weights; the most slices need the most for rows.
            Require(map, before, shape, record.Gates,
                [.. record.Parallelism.Select((choice, layer) => record.TunedLayers.Contains(layer) ? ParallelismChoice.Sliced(MostSlices(layer, map)) : choice)]);
        }
    }

    private int MostSlices(int layer, PlacementMap map) => EngineChoices.Of(run, run.Model.Experts[layer], map).MostSlices;

    private void Require(PlacementMap map, PlacementMap? before, MicroBatchShape shape, GatePolicy[] gates, ParallelismChoice[] parallelism)
    {
        MemoryEstimate estimate = Counted(() => MemoryEstimator.Estimate(
            run, map, shape, MemoryEstimator.PlannedSkew, before, gates, DeviceOf(map), parallelism));
        foreach (WorkerEstimate worker in estimate.Workers)
        {
            WorkerId id = map.Workers[worker.Rank];
            long available = members.MemoryOf(id).Available;
            if (worker.FirstBeyond(available, before is not null) is { } phase)
            {
                throw new MemoryRefusedException(
                    id.ToString(), worker.Rank, phase, worker.Phases[(int)phase], available,
                    MemoryAdvice.Of(run, map, worker, shape, available, before is not null, DeviceOf(map)));
            }
        }
    }

    private void RequireEvaluation(PlacementMap map, MicroBatchShape shape, GatePolicy[] gates)
    {
        for (int rank = 0; rank < map.Workers.Length; rank++)
        {
            WorkerId id = map.Workers[rank];
            long available = members.MemoryOf(id).Available;
            int worker = rank;
            long needed = Counted(() => MemoryEstimator.EvaluationBytes(run, map, worker, shape, gates, DeviceOf(map)));
            if (needed > available)
            {
                throw new MemoryRefusedException(
                    id.ToString(), rank, MemoryPhase.Forward, needed, available, $"Evaluate micro-batches of less than {shape}.");
            }
        }
    }

    private static T Counted<T>(Func<T> estimate)
    {
        try
        {
            return estimate();
        }
        catch (BatchTooLargeException e)
        {
            throw new InvalidRequestException(e.Message);
        }
    }
}
