using MoEActors.Grains.Interfaces.Errors;
using MoEActors.Grains.Interfaces.Workers;
using MoEActors.Grains.Training;
using MoEActors.Modules.Models;
using MoEActors.Placement;

namespace MoEActors.Grains.Memory;

/// <summary>
/// Refuses what does not fit the memory of a worker, before any worker hears of it: the opening of an epoch, and the step of a micro-batch that is
/// larger than those before it.
/// </summary>
internal sealed class MemoryCheck(RunConfiguration run, Members members)
{
    private readonly List<MicroBatchShape> _seen = [];
    private readonly CoveredShapes _fits = new();

    /// <summary>
    /// Throws unless every worker has the memory for a placement and for micro-batches as large as those that were trained so far; for one sequence
    /// when there were none.
    /// </summary>
    /// <param name="map">The placement.</param>
    /// <param name="before">The placement from which experts move there; null when none moves.</param>
    /// <exception cref="MemoryRefusedException">Naming the first worker that has too little.</exception>
    public Task RequireAsync(PlacementMap map, PlacementMap? before) => Task.Run(() =>
    {
        foreach (MicroBatchShape shape in _seen.DefaultIfEmpty(new MicroBatchShape(1, run.Model.MaximumSequence)))
        {
            Require(map, before, shape);
        }
    });

    /// <summary>Throws unless every worker has the memory for each of the micro-batches.</summary>
    /// <exception cref="MemoryRefusedException">Naming the first worker that has too little.</exception>
    public async Task RequireAsync(MicroBatchMessage[] batches)
    {
        foreach (MicroBatchMessage batch in batches)
        {
            var shape = new MicroBatchShape(batch.Inputs.Length / batch.SequenceLength, batch.SequenceLength);
            if (!_fits.Contains(shape))
            {
                await Task.Run(() => Require(members.Map!, before: null, shape));
                _fits.Add(shape);
                _seen.RemoveAll(smaller => smaller.FitsInto(shape));
                _seen.Add(shape);
            }
        }
    }

    private void Require(PlacementMap map, PlacementMap? before, MicroBatchShape shape)
    {
        MemoryEstimate estimate = MemoryEstimator.Estimate(run, map, shape, MemoryEstimator.PlannedSkew, before);
        foreach (WorkerEstimate worker in estimate.Workers)
        {
            WorkerId id = map.Workers[worker.Rank];
            long available = members.MemoryOf(id).Available;
            if (worker.FirstBeyond(available, before is not null) is { } phase)
            {
                throw new MemoryRefusedException(
                    id.ToString(), worker.Rank, phase, worker.Phases[(int)phase], available,
                    MemoryAdvice.Of(run, map, worker, shape, available, before is not null));
            }
        }
    }
}
