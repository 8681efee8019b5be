using MoEActors.Modules.Autograd;
using MoEActors.Modules.Experts;
using MoEActors.Modules.Models;
using MoEActors.Modules.Parameters;
using MoEActors.Native.Communication;
using MoEActors.Native.Cpu;
using MoEActors.Native.Memory;
using MoEActors.Placement.Map;
using MoEActors.Placement.Quotas;
using MoEActors.Tests.Placement;
using MoEActors.Tests.Support;
using MoEActors.Workers.Exchange;

namespace MoEActors.Tests.Exchange;

/// <summary>Whoever computes a part, rows come back from the expert that they were sent to, and the expert's gradient has the bits of a single copy's.</summary>
public sealed class WholePartExchangeTests
{
    private const int Cases = 25, Dim = 6, Hidden = 10, Rounds = 2;

    private static readonly IReadOnlyList<ParameterShape> Layout = ModelKinds.BuiltIn.Experts.Get("gelu").Layout(Dim, Hidden);

    [Fact]
    public void Outputs_and_gradients_have_the_bits_of_experts_that_all_are_in_one_place() => PlanningCase.ForAll(
        random =>
        {
            (LayerPlacement placement, int[][][] counts) = Case(random);
            int servers = random.Next();
            float[][] expected = Run(LayerPlacement.OfSingles(placement.Workers, new int[placement.Experts]), counts, only => new PartsAtReplicas(only));
            Same(expected, Run(placement, counts, some => new PartsAtReplicas(some)), "at replicas");
            Same(expected, Run(placement, counts, some => new PartsAtSources(some)), "at sources");
            var costs = new CopyCoefficients { Row = 4, RowExchange = 1, Weights = random.Next(4), Gradient = random.Next(3), GradientPerSegment = true };
            Same(expected, Run(placement, counts, some => new PartsAtCopies(some, costs)), "at copies");
            Same(expected, Run(placement, counts, some => new DrawnParts(some, servers)), "anywhere");
        },
        Cases);

    [Fact]
    public void Replicas_serve_the_parts_that_the_micro_batch_quotas_say() => PlanningCase.ForAll(
        random =>
        {
            (LayerPlacement placement, int[][][] counts) = Case(random);
            int[] flat = [.. counts[0].SelectMany(own => own)];
            int[] found = new int[flat.Length];
            new PartsAtReplicas(placement).Assign(flat, found);
            long[] parts = [.. Enumerable.Range(0, placement.Experts).SelectMany(expert => counts[0].Select(own => (long)own[expert]))];
            int[] replicas = new MicroBatchQuotas(placement.Workers).Assign(placement, parts);
            Assert.Equal(
                parts.Select((rows, part) => rows == 0 ? PartAssignment.None : placement.RanksOf(part / placement.Workers)[replicas[part]]), found);
        },
        Cases);

    /// <summary>By rank: outputs and gradients of its rows of all rounds; then the gradients of each expert as its home has them, and as the last replica has.</summary>
    private static float[][] Run(LayerPlacement placement, int[][][] counts, Func<LayerPlacement, PartAssignment> assignment)
    {
        (float[] Rows, (int Expert, float[] Gradients)[] Experts)[] found =
            WorkerGroup.Run(placement.Workers, communicator => RunWorker(placement, counts, communicator, assignment(placement)));
        foreach (IGrouping<int, float[]> replicas in found.SelectMany(one => one.Experts).GroupBy(one => one.Expert, one => one.Gradients))
        {
            Assert.All(replicas, one => Assert.Equal(replicas.First(), one));
        }

        return [.. found.Select(one => one.Rows), .. found.SelectMany(one => one.Experts).DistinctBy(one => one.Expert).OrderBy(one => one.Expert).Select(one => one.Gradients)];
    }

    private static (float[] Rows, (int Expert, float[] Gradients)[] Experts) RunWorker(
        LayerPlacement placement, int[][][] counts, ICommunicator communicator, PartAssignment assignment)
    {
        IExpertKind kind = ModelKinds.BuiltIn.Experts.Get("gelu");
        using var device = new CpuDevice();
        using var arena = new Arena(device);
        using var kept = new Arena(device);
        var tape = new Tape(device, arena);
        int[] held = [.. Enumerable.Range(0, placement.Experts).Where(expert => placement.Holds(expert, communicator.Rank))];
        ParameterBlock[] blocks = [.. held.Select(expert => new ParameterBlock(device, $"{expert}.", Layout))];
        Array.ForEach(blocks, block => block.Initialise(3));
        Array.ForEach(blocks, block => block.BeginGradients());
        using var exchange = new WholePartExchange(device, communicator, placement, Layout, blocks, kept) { Assignment = assignment };
        List<float> rows = [];
        for (int round = 0; round < Rounds; round++)
        {
            tape.Reset();
            int[] own = counts[round][communicator.Rank];
            DeviceSpan<int> span = arena.Take<int>(own.Length);
            device.Write<int>(own, span);
            exchange.ExchangeCounts(tape, span);
            Matrix sent = Rows(tape, exchange, communicator.Rank, round, salt: 0), gradient = Rows(tape, exchange, communicator.Rank, round, salt: 1);
            Matrix arrived = exchange.Dispatch(tape, sent);
            var batch = new ExpertBatch();
            batch.Begin(
                tape, exchange.BringExperts(tape), exchange.SegmentLengths, exchange.Sources, arrived, tape.NewMatrix(arrived.Rows, Dim), Accumulation.Store,
                exchange.Parts);
            kind.Forward(batch);
            Matrix output = exchange.Combine(tape, batch.Output);
            batch.BeginBackward(exchange.Dispatch(tape, gradient), tape.NewMatrix(arrived.Rows, Dim), Accumulation.Store);
            kind.Backward(batch);
            batch.EndBackward();
            exchange.Parts.End();
            Matrix back = exchange.Combine(tape, batch.InputGradient);

            // In the order of experts, not of the exchange.
            rows.AddRange(ByExpert(exchange, output));
            rows.AddRange(ByExpert(exchange, back));
            Assert.Equal(0, kept.BytesInUse);
        }

        Array.ForEach(blocks, block => block.EndGradients());
        if (!placement.IsSingle)
        {
            arena.Reset();
            exchange.Gradients.EndStep(arena);
        }

        (int, float[])[] gradients = [.. held.Zip(blocks, (expert, block) => (expert, block.Gradients.AsSpan().ToArray()))];
        Array.ForEach(blocks, block => block.Dispose());
        return ([.. rows], gradients);
    }

    /// <summary>Rows that depend on the expert, the source and the round alone.</summary>
    private static Matrix Rows(Tape tape, WholePartExchange exchange, int source, int round, int salt)
    {
        List<float> values = [];
        for (int i = 0; i < exchange.SendOrder.Length; i++)
        {
            var random = new Random(HashCode.Combine(exchange.SendOrder[i], source, round, salt) & 0xFFFF);
            values.AddRange(Enumerable.Range(0, exchange.SendLengths[i] * Dim).Select(_ => random.NextSingle() - 0.5f));
        }

        Matrix matrix = tape.NewMatrix(values.Count / Dim, Dim);
        values.CopyTo(matrix.Data.AsSpan());
        return matrix;
    }

    private static IEnumerable<float> ByExpert(WholePartExchange exchange, Matrix rows)
    {
        var parts = new float[exchange.SendOrder.Length][];
        int offset = 0;
        for (int i = 0; i < exchange.SendOrder.Length; i++)
        {
            int length = exchange.SendLengths[i] * Dim;
            parts[exchange.SendOrder[i]] = rows.Data.AsSpan().Slice(offset, length).ToArray();
            offset += length;
        }

        return parts.SelectMany(part => part);
    }

    private static void Same(float[][] expected, float[][] found, string what)
    {
        for (int i = 0; i < expected.Length; i++)
        {
            Assert.True(expected[i].AsSpan().SequenceEqual(found[i]), $"{what}: {i} differs.");
        }
    }

    private static (LayerPlacement Placement, int[][][] Counts) Case(Random random)
    {
        int workers = random.Next(2, 6);
        int experts = random.Next(1, 9);
        int most = random.Next(1, 12);
        LayerPlacement placement = PlanningCase.Replicated(random, experts, workers);
        return (placement, [.. Enumerable.Range(0, Rounds).Select(_ => Enumerable.Range(0, workers).Select(_ => Counts(random, experts, most)).ToArray())]);
    }

    /// <summary>Some workers have no micro-batch.</summary>
    private static int[] Counts(Random random, int experts, int most)
    {
        bool idle = random.Next(5) == 0;
        return [.. Enumerable.Range(0, experts).Select(_ => idle ? 0 : random.Next(0, most))];
    }

    /// <summary>Any worker may compute any part.</summary>
    private sealed class DrawnParts(LayerPlacement placement, int seed) : PartAssignment
    {
        public override void Assign(ReadOnlySpan<int> counts, Span<int> servers)
        {
            // Alike on every worker, and another in every round.
            int key = seed;
            foreach (int count in counts)
            {
                key = key * 31 + count;
            }

            var random = new Random(key);
            for (int part = 0; part < servers.Length; part++)
            {
                int server = random.Next(placement.Workers);
                servers[part] = counts[part % placement.Workers * placement.Experts + part / placement.Workers] == 0 ? None : server;
            }
        }
    }
}
