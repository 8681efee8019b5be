using MoEActors.Modules.Gates;
using MoEActors.Native.DryRun;
using MoEActors.Placement.Parallelism;
using MoEActors.Workers.Commands;
using MoEActors.Workers.Memory;
using MoEActors.Workers.Training;

namespace MoEActors.Workers.Estimation;

/// <summary>One worker of a view, run on a device that counts.</summary>
/// <param name="run">The run.</param>
/// <param name="map">The placement.</param>
/// <param name="rank">The worker's rank.</param>
/// <param name="shape">The micro-batch that every worker is taken to have, in every round; of a layer without a backbone, its rows.</param>
/// <param name="skew">Rows that come to a worker over its equal share; limited by what the gate can send it.</param>
/// <param name="gates">Policies of layers that do not route as the run began.</param>
/// <param name="imitated">The worker's device; null for processors.</param>
/// <param name="parallelism">By layer: what travels in a step; null where rows do in all of them.</param>
internal sealed class DryRunWorker(
    RunConfiguration run, PlacementMap map, int rank, MicroBatchShape shape, double skew, IReadOnlyList<GatePolicy> gates,
    ImitatedDevice? imitated = null, ParallelismChoice[]? parallelism = null)
{
    private const string Name = "dry-run";

    /// <summary>
    /// What the estimate depends on, beside what all workers share: those of one kind need the same. Where experts have replicas or are computed in slices, every worker
    /// is a kind of its own.
    /// </summary>
    public string Kind => string.Join(' ', Enumerable.Range(0, map.Layers).Select(layer =>
        map.PlacementOf(layer).IsSingle && ParallelismChoice.In(parallelism ?? [], layer).Slices <= 1 ? $"{map.ExpertsOn(rank, layer).Count()}" : $"rank {rank}"));

    /// <summary>Opens a view and runs a step.</summary>
    public WorkerEstimate Estimate()
    {
        using var device = new DryRunDevice(imitated);
        using WorkerModel model = Open(device);
        long resident = device.AllocatedBytes;
        long forward = 0;
        device.AtLoss = () => forward = model.ArenaPeakBytes;
        Step(model, device);
        long backward = model.ArenaPeakBytes;
        long blocks = model.Parameters.Dense.Length, rounded = model.Parameters.Dense.RoundedBytes;
        long largest = Largest(model.Parameters.Dense);
        for (int i = 0; i < model.Parameters.Shards.Count; i++)
        {
            ParameterBlock block = model.Parameters.Shards.At(i).Block;
            blocks += block.Length;
            rounded += block.RoundedBytes;
            largest = Math.Max(largest, Largest(block));
        }

        long values = blocks * sizeof(float);
        long sums = model.Parameters.Dense.Length * (long)sizeof(float);

        // A tensor on its way to or from a file is there twice more: as the host has it, and as the file does.
        long[] phases = [resident, resident + forward, resident + backward, resident + backward, resident + backward + 2 * largest];
        return new WorkerEstimate(
            rank, Parameters: values + rounded, Gradients: values, DenseSums: sums, Moments: 2 * values, Tables: resident - rounded - 4 * values - sums,
            ForwardArena: forward, BackwardArena: backward, phases);
    }

    /// <summary>The most that an evaluation takes: what is held, and activations of one layer after the other.</summary>
    public long EvaluationBytes()
    {
        using var device = new DryRunDevice(imitated);
        using WorkerModel model = Open(device);
        long resident = device.AllocatedBytes;
        int[] tokens = new int[shape.Tokens];
        var batch = new PlacedMicroBatch(rank, new MicroBatch(tokens, tokens, shape.Length) { Documents = tokens });
        model.Program.Evaluate(new EvaluateCommand(map.Workers.Length, [batch]));
        return resident + model.ArenaPeakBytes;
    }

    /// <summary>The most that each of the worker's arenas has in use in a step.</summary>
    public long[] ArenaBytes()
    {
        using var device = new DryRunDevice(imitated);
        using WorkerModel model = Open(device);
        Step(model, device);
        return [.. model.Arenas.Select(arena => arena.PeakBytes)];
    }

    private WorkerModel Open(DryRunDevice device)
    {
        (double rows, int most) = Rows();
        var communicators = new DryRunCommunicators(device, rows, most);
        var model = new WorkerModel(
            map.Workers[rank], device, run, new CallerBuffers(), communicators, static work => work(), snapshots: null, estimate: null);
        var command = new OpenViewCommand(run, map, Version: 0, Checkpoint: null, [.. gates]);
        model.OpenView(new CommandHeader(Name, Term: 1, View: 1, Number: 1), command, rank, checkpoint: null);
        return model;
    }

    private void Step(WorkerModel model, DryRunDevice device)
    {
        model.Program.RunDry(shape.Sequences, shape.Length, parallelism ?? [], device.AtLoss);
        if (model.Gradients.Prepared > 0)
        {
            model.Commit(model.Gradients.Prepared);
        }
    }

    /// <summary>Rows that every expert of this worker gets over level routing, and the most that one can get from one worker.</summary>
    private (double Skew, int Most) Rows()
    {
        // Held to what can come: a gate sends a token to k experts, and to those of one worker at most as many as there are.
        double wanted = skew;
        double worst = 1;
        int most = 0;
        foreach (int layer in run.Model.MoELayers)
        {
            GateOptions gate = gates.FirstOrDefault(policy => policy.Layer == layer)?.Options ?? run.Model.Gate;
            LayerPlacement placement = map.PlacementOf(layer);
            int[] here = [.. map.ExpertsOn(rank, layer)];
            most = Math.Max(most, Math.Min(shape.Tokens, gate.Capacity(shape.Tokens, placement.Experts)));
            if (here.Length > 0)
            {
                worst = Math.Max(worst, (double)Math.Min(gate.TopK, here.Length) * placement.Experts / ((double)here.Length * gate.TopK));
                wanted = Math.Max(wanted, skew * LevelShare(placement) / here.Sum(expert => 1.0 / placement.RanksOf(expert).Length));
            }
        }

        return (Math.Min(wanted, worst), Math.Max(1, most));
    }

    /// <summary>
    /// Experts that make a worker's equal share. One that holds fewer, or replicas, holds those with more tokens: they were put there to level the load.
    /// </summary>
    private static double LevelShare(LayerPlacement placement) =>
        placement.IsSingle ? placement.Experts / placement.Workers : (double)placement.Experts / placement.Workers;

    private static long Largest(ParameterBlock block) => block.Parameters.Max(parameter => (long)parameter.Shape.Count) * sizeof(float);
}
