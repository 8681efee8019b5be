using MoEActors.Grains.Workers;
using MoEActors.Modules.Checkpoints;
using MoEActors.Modules.Models;
using MoEActors.Modules.Parameters;
using MoEActors.Native.DryRun;
using MoEActors.Placement;

namespace MoEActors.Grains.Memory;

/// <summary>One worker of an epoch, run on a device that counts.</summary>
internal sealed class DryRunWorker(RunConfiguration run, PlacementMap map, PlacementMap? before, int rank, MicroBatchShape shape, double skew)
{
    /// <summary>What the estimate depends on, beside the run: workers of one kind need the same.</summary>
    public string Kind => $"{Counts(map)} after {(before is null ? "nothing" : Counts(before))} with {Arrivals().Length}";

    /// <summary>Runs everything that a worker does.</summary>
    public WorkerEstimate Estimate()
    {
        using var device = new DryRunDevice();
        using var model = new WorkerModel(device, run, new DiskFileStore());
        Open(model, device, 1, map);
        long resident = device.AllocatedBytes;
        long forward = 0;
        device.AtLoss = () => forward = model.Arena.PeakBytes;
        Step(model, 1);
        long backward = model.Arena.PeakBytes;
        long blocks = model.Dense.Length;
        long largest = Largest(model.Dense);
        for (int i = 0; i < model.Shards.Count; i++)
        {
            ParameterBlock block = model.Shards.At(i).Block;
            blocks += block.Length;
            largest = Math.Max(largest, Largest(block));
        }

        long values = blocks * sizeof(float);
        long sums = model.Dense.Length * (long)sizeof(float);
        return new WorkerEstimate
        {
            Rank = rank,
            Parameters = values,
            Gradients = values,
            DenseSums = sums,
            Moments = 2 * values,
            Tables = resident - 4 * values - sums,
            ForwardArena = forward,
            BackwardArena = backward,

            // A tensor on its way to or from a file is there twice more: as the host has it, and as the file does.
            Phases = [resident, resident + forward, resident + backward, Transfer(), resident + backward + 2 * largest],
        };
    }

    /// <summary>The most that the arena has in use in a step.</summary>
    public long ArenaBytes()
    {
        using var device = new DryRunDevice();
        using var model = new WorkerModel(device, run, new DiskFileStore());
        Open(model, device, 1, map);
        Step(model, 1);
        return model.Arena.PeakBytes;
    }

    /// <summary>Device memory while experts arrive.</summary>
    private long Transfer()
    {
        using var device = new DryRunDevice();
        using var model = new WorkerModel(device, run, new DiskFileStore());
        Open(model, device, 1, before ?? map);
        Step(model, 1);

        // On the way the arena grew with gaps; a worker reserves it in one block.
        long gaps = model.Arena.BytesHeld - model.Arena.PeakBytes;
        device.ResetPeak();
        model.Transfer(Arrivals());
        if (before is not null)
        {
            Open(model, device, 2, map);
        }

        return device.PeakBytes - gaps;
    }

    private void Open(WorkerModel model, DryRunDevice device, long epoch, PlacementMap placement)
    {
        // Held to what can come: a gate sends a token to k experts, and to those of one worker at most as many as there are.
        int k = run.Model.Gate.TopK;
        double worst = 1;
        int most = 0;
        foreach (int layer in run.Model.MoELayers)
        {
            int experts = run.Model.Experts[layer];
            int here = placement.ExpertsOn(rank, layer).Count();
            most = Math.Max(most, Math.Min(shape.Tokens, run.Model.Gate.Capacity(shape.Tokens, experts)));
            worst = here == 0 ? worst : Math.Max(worst, (double)Math.Min(k, here) * experts / ((double)here * k));
        }

        model.OpenEpoch(
            epoch, placement, rank, model.Version, checkpoint: null,
            () => new DryRunCommunicator(device, rank, placement.Workers.Length, Math.Min(skew, worst), Math.Max(1, most)));
    }

    private void Step(WorkerModel model, long step)
    {
        int[] tokens = new int[shape.Tokens];
        var batch = new MicroBatch(tokens, tokens, shape.Length);
        model.Prepare(step, map.Workers.Length, Math.Max(1, tokens.Length), new Dictionary<int, MicroBatch> { [rank] = batch });
        model.Commit(step);
    }

    /// <summary>The experts that come here: those of the new placement, or one of another worker, to have an idea.</summary>
    private ShardTransfer[] Arrivals()
    {
        if (before is null)
        {
            ShardId[] elsewhere = [.. map.Shards.Where(shard => map.RankOf(map.WorkerOf(shard)) != rank).Take(1)];
            return [.. elsewhere.Select(shard => new ShardTransfer(shard, map.RankOf(map.WorkerOf(shard)), rank))];
        }

        return
        [
            .. map.Shards
                .Select(shard => new ShardTransfer(shard, before.RankOf(before.WorkerOf(shard)), map.RankOf(map.WorkerOf(shard))))
                .Where(move => move.To == rank && move.From != rank),
        ];
    }

    private string Counts(PlacementMap placement) =>
        string.Join(' ', Enumerable.Range(0, placement.Layers).Select(layer => placement.ExpertsOn(rank, layer).Count()));

    private static long Largest(ParameterBlock block) => block.Parameters.Max(parameter => (long)parameter.Shape.Count) * sizeof(float);
}
