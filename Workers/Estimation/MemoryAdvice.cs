using System.Globalization;
using MoEActors.Native.DryRun;
using MoEActors.Workers.Memory;

namespace MoEActors.Workers.Estimation;

/// <summary>What a run that does not fit is made of, and what would make it fit. Every piece of advice has been estimated.</summary>
public static class MemoryAdvice
{
    private const int MostWorkers = 64;

    /// <summary>The advice in words.</summary>
    /// <param name="run">The run.</param>
    /// <param name="map">Its placement.</param>
    /// <param name="worker">The worker that has too little.</param>
    /// <param name="shape">The micro-batch.</param>
    /// <param name="available">Bytes that there are.</param>
    /// <param name="moving">Whether experts move.</param>
    /// <param name="device">What workers compute on; null for processors.</param>
    public static string Of(
        RunConfiguration run, PlacementMap map, WorkerEstimate worker, MicroBatchShape shape, long available, bool moving, ImitatedDevice? device = null)
    {
        List<string> help = [];
        RunConfiguration recomputing = run with { Recompute = LayerSelection.All };
        bool Fits(RunConfiguration other, MicroBatchShape smaller) =>
            MemoryEstimator.Estimate(other, map, smaller, device: device).Workers[worker.Rank].FirstBeyond(available, moving: false) is null;

        if (run is { Recompute: not LayerSelection.All, Model.Backbone: not Backbone.None } && Fits(recomputing, shape))
        {
            help.Add($"{nameof(RunConfiguration.Recompute)} = \"{LayerSelection.All}\"");
        }

        if (LargestSequences(shape, smaller => Fits(run, smaller)) is { } sequences)
        {
            help.Add(string.Create(
                CultureInfo.InvariantCulture,
                $"micro-batches of at most {sequences}×{shape.Length} tokens (split each into {(shape.Sequences + sequences - 1) / sequences})"));
        }

        if (MoreWorkers(run, map.Workers.Length, shape, available, device) is { } workers)
        {
            help.Add($"{workers} workers of this memory");
        }

        long arena = worker.BackwardArena;
        string parts = string.Create(
            CultureInfo.InvariantCulture,
            $"Parameters, gradients and moments are {Mebibytes(worker.Phases[0])} MiB; activations of micro-batches of {shape} {Mebibytes(arena)} MiB.");
        return moving ? $"{parts} Move fewer experts to it."
            : help.Count > 0 ? $"{parts} It fits with {string.Join(", or with ", help)}."
            : $"{parts} Give workers more memory, or make the model smaller.";
    }

    /// <summary>The most sequences of a micro-batch that fit; null when one alone does not.</summary>
    private static int? LargestSequences(MicroBatchShape shape, Predicate<MicroBatchShape> fits)
    {
        int good = 0;
        int bad = shape.Sequences;
        while (bad - good > 1)
        {
            int middle = (good + bad) / 2;
            (good, bad) = fits(shape with { Sequences = middle }) ? (middle, bad) : (good, middle);
        }

        return good > 0 ? good : null;
    }

    /// <summary>A number of workers under which everyone fits; null when none is found.</summary>
    private static int? MoreWorkers(RunConfiguration run, int workers, MicroBatchShape shape, long available, ImitatedDevice? device)
    {
        int most = Math.Min(MostWorkers, run.Model.Experts.Max());
        for (int more = workers * 2; more <= most; more *= 2)
        {
            if (MemoryEstimator.Estimate(run, more, shape, device: device).Workers.All(worker => worker.FirstBeyond(available, moving: false) is null))
            {
                return more;
            }
        }

        return null;
    }

    private static string Mebibytes(long bytes) => (bytes / (double)(1 << 20)).ToString("N1", CultureInfo.InvariantCulture);
}
