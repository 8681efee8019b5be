using MoEActors.Modules.Models;
using MoEActors.Placement.Costs;
using MoEActors.Placement.Map;
using MoEActors.Placement.Parallelism;
using MoEActors.Placement.Planners;
using MoEActors.Tests.Placement;
using MoEActors.Workers.Exchange;

namespace MoEActors.Tests.Exchange;

/// <summary>Rows that are passed on inside hosts first bring the same bits as rows that go straight, and cost the bytes and messages of the formula.</summary>
public sealed class HierarchicalExchangeTests
{
    private const int Cases = 25, Rounds = 2;

    [Theory, InlineData(false), InlineData(true)]
    public void It_changes_no_bit_whatever_the_hosts_the_placement_and_what_else_travels(bool reproducible) => PlanningCase.ForAll(
        random =>
        {
            (WirePass pass, string[] hosts) = Draw(random);
            pass = pass with { Reproducible = reproducible };
            foreach (int slices in reproducible ? [0, 1] : new[] { 0, 1, 2, pass.Placement.Workers })
            {
                WirePass linear = pass with { Parallelism = ParallelismChoice.Sliced(slices) };
                float[][] expected = linear.Run().Values, found = (linear with { Parallelism = Hierarchical(slices), Hosts = hosts }).Run().Values;
                for (int i = 0; i < expected.Length; i++)
                {
                    Assert.True(expected[i].AsSpan().SequenceEqual(found[i]), $"r = {slices}, hosts {string.Join(' ', hosts)}: {i} differs.");
                }
            }
        },
        Cases);

    [Fact]
    public void Bytes_and_messages_are_those_of_the_formula() => PlanningCase.ForAll(
        random =>
        {
            (WirePass pass, string[] hosts) = Draw(random);
            pass = pass with { Placement = StaticPlanner.Place(pass.Placement.Experts, pass.Placement.Workers), Hosts = hosts, Parallelism = Hierarchical(1) };
            Assert.Equal(Formula(pass, new HostRelays(hosts)), pass.Run().Sent);
        },
        Cases);

    [Theory, InlineData(2, 2), InlineData(2, 4), InlineData(4, 2), InlineData(3, 3)]
    public void With_rows_for_everybody_a_worker_sends_a_message_to_each_neighbour_and_to_each_other_host(int hosts, int perHost)
    {
        int workers = hosts * perHost;
        int[][] counts = [.. Enumerable.Repeat(Enumerable.Repeat(1, workers).ToArray(), workers)];
        WirePass pass = Pass(StaticPlanner.Place(workers, workers), [counts]) with { Parallelism = Hierarchical(1), Hosts = [.. Enumerable.Range(0, workers).Select(rank => $"{rank / perHost}")] };
        long bytes = WirePass.Dim * sizeof(float);
        SentTraffic sent = pass.Run().Sent, linear = (pass with { Parallelism = ParallelismChoice.ExpertParallel }).Run().Sent;

        // Four exchanges of every worker. What goes to another host and another place there travels twice.
        Assert.Equal(4L * workers * (perHost - 1 + hosts - 1), sent.Messages);
        Assert.Equal(4L * workers * (workers - 1), linear.Messages);
        Assert.Equal(4L * workers * bytes * (((perHost - 1) * hosts) + ((hosts - 1) * perHost)), sent.Bytes);
        Assert.Equal(4L * workers * bytes * (workers - 1), linear.Bytes);
    }

    [Fact]
    public void Hosts_of_one_worker_each_and_one_host_of_all_have_nothing_to_pass_on()
    {
        Assert.False(HostRelays.Apart(4).HasLevels);
        Assert.False(new HostRelays(["a", "a", "a"]).HasLevels);
        var uneven = new HostRelays(["a", "b", "a", "a", "b"]);
        Assert.True(uneven.HasLevels);
        Assert.Equal([0, 2, 3], uneven.Beside(2).ToArray());
        Assert.Equal([0, 0, 2, 3, 2], Enumerable.Range(0, 5).Select(to => uneven.Of(3, to)));
        Assert.Equal([1, 1, 4, 1, 4], Enumerable.Range(0, 5).Select(to => uneven.Of(1, to)));
    }

    private static SentTraffic Formula(WirePass pass, HostRelays relays)
    {
        long bytes = 0, messages = 0;
        foreach (int[][] counts in pass.Counts)
        {
            HashSet<(string What, int From, int To)> pairs = [];
            for (int source = 0; source < pass.Placement.Workers; source++)
            {
                for (int expert = 0; expert < pass.Placement.Experts; expert++)
                {
                    int home = pass.Placement.RanksOf(expert)[0];
                    if (counts[source][expert] > 0)
                    {
                        foreach ((string what, int from, int to) in new[] { ("there", source, home), ("back", home, source) })
                        {
                            int relay = relays.HasLevels ? relays.Of(from, to) : to;
                            bytes += 2L * counts[source][expert] * WirePass.Dim * sizeof(float) * ((relay == from ? 0 : 1) + (relay == to ? 0 : 1));
                            pairs.UnionWith([($"{what}, inside", from, relay), ($"{what}, between", relay, to)]);
                        }
                    }
                }
            }

            messages += 2 * pairs.Count(pair => pair.From != pair.To);
        }

        return new SentTraffic(bytes, messages);
    }

    private static ParallelismChoice Hierarchical(int slices) => ParallelismChoice.Sliced(slices) with { Exchange = AllToAll.Hierarchical };

    private static WirePass Pass(LayerPlacement placement, int[][][] counts) =>
        new("gelu", placement, ModelKinds.BuiltIn.Experts.Get("gelu").Layout(WirePass.Dim, hidden: 9), counts, ParallelismChoice.ExpertParallel);

    /// <summary>Hosts of any sizes, whose ranks need not be neighbours.</summary>
    private static (WirePass Pass, string[] Hosts) Draw(Random random)
    {
        int workers = random.Next(2, 8), experts = random.Next(1, 9), hosts = random.Next(1, workers + 1);
        int[][][] counts = [.. Enumerable.Range(0, Rounds).Select(_ => Enumerable.Range(0, workers).Select(_ => Counts(random, experts)).ToArray())];
        return (Pass(PlanningCase.Replicated(random, experts, workers), counts), [.. Enumerable.Range(0, workers).Select(_ => $"{random.Next(hosts)}")]);
    }

    private static int[] Counts(Random random, int experts) => [.. Enumerable.Range(0, experts).Select(_ => Math.Max(0, random.Next(-3, 8)))];
}
