using MoEActors.Modules.Autograd;
using MoEActors.Native.Communication;
using MoEActors.Native.Cpu;
using MoEActors.Native.Memory;
using MoEActors.Placement.Map;
using MoEActors.Placement.Quotas;
using MoEActors.Tests.Placement;
using MoEActors.Tests.Support;
using MoEActors.Workers.Exchange;

namespace MoEActors.Tests.Exchange;

/// <summary>What the exchange does with replicas is what the pure functions say, and every row comes back from where its expert is.</summary>
public sealed class ReplicaExchangeTests
{
    private const int Cases = 25;

    [Fact]
    public void Shares_are_those_of_the_token_quotas_and_as_few_rows_travel_as_they_allow() => PlanningCase.ForAll(
        random =>
        {
            (LayerPlacement placement, int[][] counts) = Case(random);
            int[][] rows = Rows(placement, counts);
            long[] tokens = [.. Enumerable.Range(0, placement.Experts).Select(expert => counts.Sum(own => (long)own[expert]))];
            LayerQuotas quotas = new TokenQuotas().Split(placement, tokens);
            for (int expert = 0; expert < placement.Experts; expert++)
            {
                int first = placement.FirstShardOf(expert);
                ReadOnlySpan<int> ranks = placement.RanksOf(expert);
                for (int replica = 0; replica < ranks.Length; replica++)
                {
                    long quota = quotas.Of(expert)[replica];
                    Assert.Equal(quota, rows.Sum(source => (long)source[first + replica]));
                    Assert.Equal(Math.Min(quota, counts[ranks[replica]][expert]), rows[ranks[replica]][first + replica]);
                }

                AssertAllLeave(placement, counts, rows, expert);
            }
        },
        Cases);

    [Fact]
    public void Rows_lie_by_local_expert_and_source_and_return_to_their_places() => PlanningCase.ForAll(
        random =>
        {
            (LayerPlacement placement, int[][] counts) = Case(random);
            WorkerGroup.Run(placement.Workers, communicator => CheckRows(placement, counts[communicator.Rank], communicator));
        },
        Cases);

    /// <summary>A row carries its expert and its source.</summary>
    private static bool CheckRows(LayerPlacement placement, int[] counts, ICommunicator communicator)
    {
        using var device = new CpuDevice();
        using var arena = new Arena(device, 1 << 16);
        var tape = new Tape(device, arena);
        using var exchange = new DistributedExpertExchange(device, communicator, placement, []);
        exchange.ExchangeCounts(tape, Write(tape, counts));
        int[] order = exchange.SendOrder.ToArray();
        int[] lengths = exchange.SendLengths.ToArray();
        Matrix sent = tape.NewMatrix(counts.Sum(), 2);
        Fill(sent, order.SelectMany((expert, i) => Enumerable.Repeat((expert, communicator.Rank), lengths[i])));
        Matrix arrived = exchange.Dispatch(tape, sent);

        int[] resident = [.. Enumerable.Range(0, placement.Experts).Where(expert => placement.Holds(expert, communicator.Rank))];
        int[] segments = exchange.SegmentLengths.ToArray();
        Matrix expected = tape.NewMatrix(segments.Sum(), 2);
        Fill(expected, segments.SelectMany((rows, i) => Enumerable.Repeat((resident[i / communicator.Size], i % communicator.Size), rows)));
        Assert.Equal(expected.Data.AsSpan().ToArray(), arrived.Data.AsSpan().ToArray());
        Matrix returned = exchange.Combine(tape, arrived);
        Assert.Equal(sent.Data.AsSpan().ToArray(), returned.Data.AsSpan().ToArray());
        return true;
    }

    private static DeviceSpan<int> Write(Tape tape, int[] counts)
    {
        DeviceSpan<int> span = tape.Arena.Take<int>(counts.Length);
        tape.Device.Write<int>(counts, span);
        return span;
    }

    private static void Fill(Matrix matrix, IEnumerable<(int Expert, int Source)> rows)
    {
        float[] values = [.. rows.SelectMany(row => new float[] { row.Expert, row.Source })];
        values.CopyTo(matrix.Data.AsSpan());
    }

    private static void AssertAllLeave(LayerPlacement placement, int[][] counts, int[][] rows, int expert)
    {
        for (int source = 0; source < placement.Workers; source++)
        {
            Assert.Equal(counts[source][expert], rows[source][placement.FirstShardOf(expert)..placement.FirstShardOf(expert + 1)].Sum());
        }
    }

    private static (LayerPlacement Placement, int[][] Counts) Case(Random random)
    {
        int workers = random.Next(2, 6);
        int experts = random.Next(1, 9);
        int most = random.Next(1, 60);
        LayerPlacement placement = PlanningCase.Replicated(random, experts, workers);
        return (placement, [.. Enumerable.Range(0, workers).Select(_ => Counts(random, experts, most))]);
    }

    /// <summary>Some workers have no micro-batch.</summary>
    private static int[] Counts(Random random, int experts, int most)
    {
        bool idle = random.Next(5) == 0;
        return [.. Enumerable.Range(0, experts).Select(_ => idle ? 0 : random.Next(0, most))];
    }

    /// <summary>[sources][shards] rows, alike on every worker.</summary>
    private static int[][] Rows(LayerPlacement placement, int[][] counts)
    {
        int[][][] found = WorkerGroup.Run(placement.Workers, communicator =>
        {
            using var device = new CpuDevice();
            using var arena = new Arena(device, 1 << 16);
            using var exchange = new DistributedExpertExchange(device, communicator, placement, []);
            var tape = new Tape(device, arena);
            exchange.ExchangeCounts(tape, Write(tape, counts[communicator.Rank]));
            return Enumerable.Range(0, placement.Workers)
                .Select(source => Enumerable.Range(0, placement.Shards).Select(shard => exchange.RowsOf(source, shard)).ToArray()).ToArray();
        });
        Assert.All(found, one => Assert.Equal(found[0], one));
        return found[0];
    }
}
