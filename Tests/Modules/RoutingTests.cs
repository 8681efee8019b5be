using FsCheck;
using FsCheck.Fluent;
using MoEActors.Modules.Autograd;
using MoEActors.Modules.Gates;
using MoEActors.Modules.MixtureOfExperts;
using MoEActors.Modules.Parameters;
using MoEActors.Native.Cpu;
using MoEActors.Native.Memory;
using MoEActors.Tests.Native.Kernels;
using MoEActors.Tests.Support;

namespace MoEActors.Tests.Modules;

/// <summary>Routing and permutation, for any scores, padding and capacity.</summary>
public sealed class RoutingTests
{
    private const int Dim = 6;

    [Fact]
    public void Slots_go_to_first_choices_before_second_ones_until_an_expert_is_full()
    {
        Gen<RoutingCase> cases =
            from tokens in Gen.Choose(0, 40)
            from experts in Gen.Choose(1, 9)
            from k in Gen.Choose(1, experts)
            from capacity in Gen.Elements(0f, 0.3f, 1f, 1.25f, -1f, -4f)
            from scores in Gen.Elements(GateScores.Softmax, GateScores.Sigmoid)
            from padded in Gen.Choose(0, 3)
            from order in Gen.Shuffle(Enumerable.Range(0, experts))
            from seed in Gen.Choose(0, 1_000_000)
            select new RoutingCase(tokens, experts, k, capacity, scores, padded, [.. order], seed);
        Prop.ForAll(cases.ToArbitrary(), Check).Check(Config.QuickThrowOnFailure.WithMaxTest(200).WithQuietOnSuccess(true));
    }

    private static void Check(RoutingCase one)
    {
        var random = new Random(one.Seed);
        using var device = new CpuDevice();
        using var arena = new Arena(device, 1 << 16);
        var tape = new Tape(device, arena);
        using var router = new ParameterBlock(device, "", [ParameterShape.Weight("router", Dim, one.Experts, 1f)]);
        router.Initialise((ulong)one.Seed);
        int[] valid = [.. Enumerable.Range(0, one.Tokens).Select(_ => one.Padded > 0 && random.Next(4) < one.Padded ? 0 : 1)];
        var options = new GateOptions { TopK = one.K, CapacityFactor = one.Capacity, Scores = one.Scores };
        var gate = new TopKGate(options, router["router"]);
        Tensor x = tape.Create(one.Tokens, Dim);
        Values.Vector(random, one.Tokens * Dim).CopyTo(x.Value.Data.AsSpan());
        DeviceSpan<int> mask = DeviceSpan<int>.Empty;
        if (valid.Contains(0))
        {
            mask = arena.Take<int>(one.Tokens);
            device.Write<int>(valid, mask);
        }

        gate.Forward(tape, x, new RoutingContext(mask, valid.Sum(), 1f));
        Routing routing = gate.Routing;
        routing.ReadStatistics(device);
        CheckChoices(one, routing, valid);
        CheckSlots(one, routing, options.Capacity(valid.Sum(), one.Experts));
        CheckPermutation(one, routing, tape);
        CheckDividedPermutation(one, routing, tape, random);
    }

    private static void CheckChoices(RoutingCase one, Routing routing, int[] valid)
    {
        for (int t = 0; t < one.Tokens; t++)
        {
            int[] chosen = routing.HostChoices().Slice(t * one.K, one.K).ToArray();
            float[] weights = routing.Weights.AsSpan().Slice(t * one.K, one.K).ToArray();
            if (valid[t] == 0)
            {
                Assert.All(chosen, expert => Assert.Equal(-1, expert));
                Assert.All(weights, weight => Assert.Equal(0f, weight));
                continue;
            }

            Assert.Equal(one.K, chosen.Distinct().Count(expert => expert >= 0 && expert < one.Experts));
            Assert.Equal(weights.OrderDescending(), weights);
            Assert.True(one.K == 1 || Math.Abs(weights.Sum() - 1) < 1e-5, $"Weights add up to {weights.Sum()}.");
        }
    }

    private static void CheckSlots(RoutingCase one, Routing routing, int capacity)
    {
        bool[] kept = routing.HostKept();
        int[] taken = new int[one.Experts], chosen = new int[one.Experts], first = new int[one.Experts];
        for (int j = 0; j < one.K; j++)
        {
            for (int t = 0; t < one.Tokens; t++)
            {
                int expert = routing.HostChoices()[t * one.K + j];
                bool fits = expert >= 0 && taken[expert] < capacity;
                Assert.Equal(fits, kept[t * one.K + j]);
                if (expert >= 0)
                {
                    taken[expert] += fits ? 1 : 0;
                    chosen[expert]++;
                    first[expert] += j == 0 ? 1 : 0;
                }
            }
        }

        Assert.Equal(taken, routing.KeptTokens);
        Assert.Equal(chosen, routing.ChosenTokens);
        Assert.Equal(first, routing.FirstChoices);
        Assert.Equal(taken.Sum(), routing.KeptRows);
        Assert.All(taken, count => Assert.True(count <= capacity));
    }

    private static void CheckPermutation(RoutingCase one, Routing routing, Tape tape)
    {
        var permutation = new TokenPermutation();
        permutation.Build(tape, routing, one.Order, [.. one.Order.Select(expert => routing.KeptTokens[expert])]);
        int[] slots = permutation.Slots.AsSpan().ToArray();
        int[] tokens = permutation.Tokens.AsSpan().ToArray();
        bool[] kept = routing.HostKept();
        List<(int Place, int Token)> expected = [];
        for (int i = 0; i < slots.Length; i++)
        {
            Assert.Equal(kept[i], slots[i] >= 0);
            if (slots[i] >= 0)
            {
                Assert.Equal(i / one.K, tokens[slots[i]]);
                expected.Add((Array.IndexOf(one.Order, routing.HostChoices()[i]), i / one.K));
            }
        }

        // Every kept choice has a slot of its own; slots are by expert in sending order, tokens ascending.
        Assert.Equal(Enumerable.Range(0, routing.KeptRows), slots.Where(slot => slot >= 0).Order());
        Assert.Equal(expected.Order().Select(entry => entry.Token), tokens);
    }

    /// <summary>With several segments per expert its rows fill one after the other, in the order of tokens.</summary>
    private static void CheckDividedPermutation(RoutingCase one, Routing routing, Tape tape, Random random)
    {
        List<(int Expert, int Rows)> segments = [];
        for (int expert = 0; expert < one.Experts; expert++)
        {
            int left = routing.KeptTokens[expert];
            for (int i = random.Next(3); i > 0; i--)
            {
                int rows = random.Next(left + 1);
                segments.Add((expert, rows));
                left -= rows;
            }

            segments.Add((expert, left));
        }

        (int Expert, int Rows)[] order = [.. segments];
        random.Shuffle(order);
        var permutation = new TokenPermutation();
        permutation.Build(tape, routing, [.. order.Select(segment => segment.Expert)], [.. order.Select(segment => segment.Rows)]);
        int[] slots = permutation.Slots.AsSpan().ToArray();
        bool[] kept = routing.HostKept();
        Queue<int>[] places = [.. Enumerable.Range(0, one.Experts).Select(_ => new Queue<int>())];
        int slot = 0;
        foreach ((int expert, int rows) in order)
        {
            for (int i = 0; i < rows; i++)
            {
                places[expert].Enqueue(slot++);
            }
        }

        for (int i = 0; i < slots.Length; i++)
        {
            Assert.Equal(kept[i] ? places[routing.HostChoices()[i]].Dequeue() : -1, slots[i]);
        }
    }

    private sealed record RoutingCase(int Tokens, int Experts, int K, float Capacity, GateScores Scores, int Padded, int[] Order, int Seed);
}
