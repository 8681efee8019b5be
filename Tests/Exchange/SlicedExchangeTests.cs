using MoEActors.Modules.Models;
using MoEActors.Modules.Parameters;
using MoEActors.Native.Cpu;
using MoEActors.Native.Memory;
using MoEActors.Placement.Map;
using MoEActors.Placement.Parallelism;
using MoEActors.Placement.Planners;
using MoEActors.Tests.Placement;
using MoEActors.Tests.Support;
using MoEActors.Workers.Exchange;

namespace MoEActors.Tests.Exchange;

/// <summary>An expert in slices computes what the whole one does, whatever the placement, and what travels for it is what the formula says.</summary>
public sealed class SlicedExchangeTests
{
    private const int Cases = 25, Dim = WirePass.Dim, Rounds = 2;

    [Theory, InlineData("gelu"), InlineData("swiglu")]
    public void Outputs_and_gradients_are_those_of_whole_experts_within_rounding(string expert) => PlanningCase.ForAll(
        random =>
        {
            Case one = Draw(random, expert);
            float[][] whole = Run(one with { Slices = 1 }).Values, sliced = Run(one).Values;
            for (int i = 0; i < whole.Length; i++)
            {
                double largest = whole[i].DefaultIfEmpty().Max(Math.Abs);
                Assert.All(whole[i].Zip(sliced[i]), pair => Assert.InRange(pair.Second, pair.First - (1e-5 * largest), pair.First + (1e-5 * largest)));
            }
        },
        Cases);

    [Theory, InlineData("gelu"), InlineData("swiglu")]
    public void Bytes_and_messages_are_those_of_the_formula(string expert) => PlanningCase.ForAll(
        random =>
        {
            Case one = Draw(random, expert);
            Assert.Equal(Formula(one), Run(one).Sent);
        },
        Cases);

    [Fact]
    public void Without_replicas_where_workers_are_more_than_experts_every_worker_has_a_slice_of_one()
    {
        LayerPlacement placement = StaticPlanner.Place(experts: 2, workers: 6);
        var servers = new SliceServers(placement, slices: 3);
        Assert.Equal([0, 1, 2], servers.Of(0).ToArray());
        Assert.Equal([3, 4, 5], servers.Of(1).ToArray());
    }

    [Fact]
    public void Workers_that_hold_the_expert_come_first_and_where_experts_are_more_than_workers_all_have_equally_many_slices()
    {
        var replicated = new SliceServers(new LayerPlacement(4, [[1, 3], [0]]), slices: 3);
        Assert.Equal([1, 3, 2], replicated.Of(0).ToArray());
        Assert.Equal([0, 1, 2], replicated.Of(1).ToArray());
        var even = new SliceServers(StaticPlanner.Place(experts: 8, workers: 4), slices: 3);
        int[] slices = new int[4];
        for (int expert = 0; expert < 8; expert++)
        {
            foreach (int rank in even.Of(expert))
            {
                slices[rank]++;
            }
        }

        Assert.All(slices, count => Assert.Equal(6, count));
    }

    [Fact]
    public void Slices_put_together_are_the_expert_and_zeros_stand_for_units_that_a_slice_lacks()
    {
        using var device = new CpuDevice();
        IReadOnlyList<ParameterShape> layout = ModelKinds.BuiltIn.Experts.Get("gelu").Layout(Dim, hidden: 7);
        Assert.Equal(7, SlicedLayout.UnitsOf(layout));
        using var block = new ParameterBlock(device, "e.", layout);
        block.Initialise(seed: 5);
        for (int i = 0; i < block.Parameters.Count; i++)
        {
            device.Fill(block.Parameters[i].Vector.Slice(0, 1), i + 1f);
        }

        var sliced = new SlicedLayout(layout, slices: 3);
        using var arena = new Arena(device);
        DeviceSpan<float> joined = arena.Take<float>(sliced.ExpertLength), slice = arena.Take<float>(sliced.SliceLength);
        device.Fill(joined, float.NaN);
        int zeros = 0;
        for (int number = 0; number < 3; number++)
        {
            device.Fill(slice, float.NaN);
            sliced.Cut(device, block.Parameters, number, slice);
            var part = new TransientBlock(device, sliced.Slice);
            part.Bind(slice, arena);
            Assert.All(part.Parameters, parameter => Assert.DoesNotContain(device.ToArray(parameter.Vector), float.IsNaN));

            // Of the width of three, 7 units leave 2, 2 and 3: the last column of the first two is none's.
            zeros += device.ToArray(part.Parameters[0].Vector).Chunk(3).Count(row => row[2] == 0);
            Assert.Equal(number == 0 ? 4 : 0, device.ToArray(part.Parameters[3].Vector)[0]);
            sliced.Join(device, number, slice, joined);
        }

        Assert.Equal(2 * Dim, zeros);
        foreach (Parameter parameter in block.Parameters)
        {
            Assert.Equal(device.ToArray(parameter.Vector), device.ToArray(joined.Slice(parameter.Offset, parameter.Shape.Count)));
        }
    }

    [Fact]
    public void What_has_no_hidden_units_cannot_be_cut()
    {
        ParameterShape[] none = [ParameterShape.Weight("up", 4, 8, 1), ParameterShape.Weight("down", 8, 4, 1)];
        Assert.Equal(0, SlicedLayout.UnitsOf(none));
        Assert.Throws<ArgumentOutOfRangeException>(() => new SlicedLayout(none, 1));
        ParameterShape[] disagree = [none[0] with { Hidden = HiddenAxis.Columns }, none[1] with { Hidden = HiddenAxis.Columns }];
        Assert.Equal(0, SlicedLayout.UnitsOf(disagree));
        ParameterShape[] agree = [none[0] with { Hidden = HiddenAxis.Columns }, none[1] with { Hidden = HiddenAxis.Rows }];
        Assert.Equal("An expert of 8 hidden units has 1 to 8 slices.", Assert.Throws<ArgumentOutOfRangeException>(() => new SlicedLayout(agree, 9)).Message.Split(" (")[0]);
    }

    /// <summary>
    /// Four times the rows of a source go to every slice that is not on it, or come back; once the weights of every slice on a worker without the expert, and once the gradient of every
    /// slice that is not at its home. What one of these six exchanges brings to a worker is a message.
    /// </summary>
    private static SentTraffic Formula(Case one)
    {
        LayerPlacement placement = one.Placement;
        var servers = new SliceServers(placement, one.Slices);
        int slice = new SlicedLayout(one.Layout, one.Slices).SliceLength;
        long bytes = 0, messages = 0;
        foreach (int[][] counts in one.Counts)
        {
            HashSet<(string What, int From, int To)> pairs = [];
            for (int expert = 0; expert < placement.Experts; expert++)
            {
                if (counts.All(own => own[expert] == 0))
                {
                    continue;
                }

                int home = placement.RanksOf(expert)[0];
                foreach (int server in servers.Of(expert))
                {
                    for (int source = 0; source < placement.Workers; source++)
                    {
                        if (server != source && counts[source][expert] > 0)
                        {
                            bytes += 4L * counts[source][expert] * Dim * sizeof(float);
                            pairs.UnionWith([("rows", source, server), ("outputs", server, source), ("gradients of outputs", source, server), ("of rows", server, source)]);
                        }
                    }

                    if (!placement.Holds(expert, server))
                    {
                        bytes += slice * sizeof(float);
                        pairs.Add(("weights", home, server));
                    }

                    if (server != home)
                    {
                        bytes += slice * sizeof(float);
                        pairs.Add(("gradients", server, home));
                    }
                }
            }

            messages += pairs.Count;
        }

        return new SentTraffic(bytes, messages);
    }

    private static (float[][] Values, SentTraffic Sent) Run(Case one) =>
        new WirePass(one.Expert, one.Placement, one.Layout, one.Counts, ParallelismChoice.Sliced(one.Slices)).Run();

    private static Case Draw(Random random, string expert)
    {
        int workers = random.Next(2, 7), experts = random.Next(1, 9), most = random.Next(1, 12), slices = random.Next(2, workers + 1), hidden = random.Next(slices, 14);
        LayerPlacement placement = random.Next(2) == 0 ? StaticPlanner.Place(experts, workers) : PlanningCase.Replicated(random, experts, workers);
        return new Case(expert, placement, slices, ModelKinds.BuiltIn.Experts.Get(expert).Layout(Dim, hidden),
            [.. Enumerable.Range(0, Rounds).Select(_ => Enumerable.Range(0, workers).Select(_ => Counts(random, experts, most)).ToArray())]);
    }

    /// <summary>Some workers have no micro-batch, and some experts no rows.</summary>
    private static int[] Counts(Random random, int experts, int most)
    {
        bool idle = random.Next(4) == 0;
        return [.. Enumerable.Range(0, experts).Select(_ => idle || random.Next(3) == 0 ? 0 : random.Next(0, most))];
    }

    /// <param name="Expert">Kind of the experts.</param>
    /// <param name="Placement">Where they are.</param>
    /// <param name="Slices">r.</param>
    /// <param name="Layout">Their tensors.</param>
    /// <param name="Counts">[rounds][sources][experts] rows.</param>
    private sealed record Case(string Expert, LayerPlacement Placement, int Slices, IReadOnlyList<ParameterShape> Layout, int[][][] Counts);
}
