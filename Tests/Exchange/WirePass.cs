using MoEActors.Modules.Autograd;
using MoEActors.Modules.Experts;
using MoEActors.Modules.Models;
using MoEActors.Modules.Parameters;
using MoEActors.Native.Communication;
using MoEActors.Native.Cpu;
using MoEActors.Native.Memory;
using MoEActors.Placement.Map;
using MoEActors.Placement.Parallelism;
using MoEActors.Tests.Support;
using MoEActors.Workers.Exchange;

namespace MoEActors.Tests.Exchange;

/// <summary>Rounds of forward and backward of one layer's experts on some workers, whose rows follow from expert, source and round.</summary>
/// <param name="Expert">Kind of the experts.</param>
/// <param name="Placement">Where they are.</param>
/// <param name="Layout">Their tensors.</param>
/// <param name="Counts">[rounds][sources][experts] rows.</param>
/// <param name="Parallelism">How rows and experts meet.</param>
internal sealed record WirePass(string Expert, LayerPlacement Placement, IReadOnlyList<ParameterShape> Layout, int[][][] Counts, ParallelismChoice Parallelism)
{
    public const int Dim = 6;

    /// <summary>By rank: its host.</summary>
    public string[] Hosts { get; init; } = [.. Enumerable.Range(0, Placement.Workers).Select(rank => $"{rank}")];

    /// <summary>Whether replicas take whole parts.</summary>
    public bool Reproducible { get; init; }

    /// <summary>Outputs and gradients of rows, by rank, then the gradients of each expert, which all of its replicas have alike; and what was sent.</summary>
    public (float[][] Values, SentTraffic Sent) Run()
    {
        (float[] Rows, (int Expert, float[] Gradients)[] Experts, SentTraffic Sent)[] found = WorkerGroup.Run(Placement.Workers, RunWorker);
        foreach (IGrouping<int, float[]> replicas in found.SelectMany(worker => worker.Experts).GroupBy(held => held.Expert, held => held.Gradients))
        {
            Assert.All(replicas, replica => Assert.Equal(replicas.First(), replica));
        }

        return (
            [
                .. found.Select(worker => worker.Rows),
                .. found.SelectMany(worker => worker.Experts).DistinctBy(held => held.Expert).OrderBy(held => held.Expert).Select(held => held.Gradients),
            ],
            found.Aggregate(default(SentTraffic), (sum, worker) => sum + worker.Sent));
    }

    private (float[] Rows, (int Expert, float[] Gradients)[] Experts, SentTraffic Sent) RunWorker(ICommunicator communicator)
    {
        using var device = new CpuDevice();
        using var arena = new Arena(device);
        using var kept = new Arena(device);
        var tape = new Tape(device, arena);
        int[] held = [.. Enumerable.Range(0, Placement.Experts).Where(expert => Placement.Holds(expert, communicator.Rank))];
        ParameterBlock[] blocks = [.. held.Select(expert => Block(device, expert))];
        using var wire = new LayerWire(device, communicator, Placement, Layout, blocks, Reproducible, kept, new HostRelays(Hosts));
        wire.Use(Parallelism);
        List<float> rows = [];
        for (int round = 0; round < Counts.Length; round++)
        {
            tape.Reset();
            rows.AddRange(RunRound(tape, wire, communicator.Rank, round));
            Assert.Equal(0, kept.BytesInUse);
        }

        SentTraffic sent = wire.TakeSent();
        Array.ForEach(blocks, block => block.EndGradients());
        arena.Reset();
        wire.Replicas?.EndStep(arena);
        (int, float[])[] gradients = [.. held.Zip(blocks, (expert, block) => (expert, block.Gradients.AsSpan().ToArray()))];
        Array.ForEach(blocks, block => block.Dispose());
        return ([.. rows], gradients, sent);
    }

    private ParameterBlock Block(CpuDevice device, int expert)
    {
        var block = new ParameterBlock(device, $"{expert}.", Layout);
        block.Initialise(3);
        foreach (Parameter bias in block.Parameters.Where(parameter => parameter.Shape.Rows == 1))
        {
            // Biases begin at zero, which would hide one that is counted twice.
            InitialValue.Normal(0.5f).Fill(device, 3, block.Prefix + bias.Shape.Name, bias.Vector);
        }

        block.BeginGradients();
        return block;
    }

    private IEnumerable<float> RunRound(Tape tape, LayerWire wire, int source, int round)
    {
        IExpertKind kind = ModelKinds.BuiltIn.Experts.Get(Expert);
        int[] own = Counts[round][source];
        DeviceSpan<int> span = tape.Arena.Take<int>(own.Length);
        tape.Device.Write<int>(own, span);
        wire.ExchangeCounts(tape, span);
        Matrix sent = Rows(tape, wire, source, salt: round), gradient = Rows(tape, wire, source, salt: 7 + round);
        Matrix arrived = wire.Dispatch(tape, sent);
        var batch = new ExpertBatch();
        batch.Begin(tape, wire.BringExperts(tape), wire.SegmentLengths, wire.Sources, arrived, tape.NewMatrix(arrived.Rows, Dim), Accumulation.Store, wire.Parts);
        kind.Forward(batch);
        Matrix output = wire.Combine(tape, batch.Output);
        batch.BeginBackward(wire.Dispatch(tape, gradient), tape.NewMatrix(arrived.Rows, Dim), Accumulation.Store);
        kind.Backward(batch);
        batch.EndBackward();
        wire.Parts?.End();
        Matrix back = wire.Combine(tape, batch.InputGradient);

        // In the order of experts, not of the exchange.
        return [.. ByExpert(wire, own, output), .. ByExpert(wire, own, back)];
    }

    /// <summary>Rows that depend on the expert, their place among the source's for it, and the source alone.</summary>
    private Matrix Rows(Tape tape, LayerWire wire, int source, int salt)
    {
        int[] next = new int[Placement.Experts];
        List<float> values = [];
        for (int i = 0; i < wire.SendOrder.Length; i++)
        {
            int expert = wire.SendOrder[i];
            for (int row = 0; row < wire.SendLengths[i]; row++)
            {
                var random = new Random((((((expert * 31) + source) * 31) + salt) * 31) + next[expert]++);
                values.AddRange(Enumerable.Range(0, Dim).Select(_ => random.NextSingle() - 0.5f));
            }
        }

        Matrix matrix = tape.NewMatrix(values.Count / Dim, Dim);
        values.CopyTo(matrix.Data.AsSpan());
        return matrix;
    }

    private static IEnumerable<float> ByExpert(LayerWire wire, int[] own, Matrix rows)
    {
        List<float>[] parts = [.. own.Select(_ => new List<float>())];
        int offset = 0;
        for (int i = 0; i < wire.SendOrder.Length; i++)
        {
            int length = wire.SendLengths[i] * Dim;
            parts[wire.SendOrder[i]].AddRange(rows.Data.AsSpan().Slice(offset, length));
            offset += length;
        }

        return parts.SelectMany(part => part);
    }
}
