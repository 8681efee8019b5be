using FsCheck;
using FsCheck.Fluent;
using MoEActors.Modules.Autograd;
using MoEActors.Modules.Gates;
using MoEActors.Native.Cpu;
using MoEActors.Native.Memory;
using MoEActors.Tests.Support;

namespace MoEActors.Tests.Gates;

/// <summary>Capacity, slots and priorities, for any choices.</summary>
public class SlotTests
{
    /// <summary>Choices of some rows: distinct experts each, or none for padding or a row that nobody took.</summary>
    private static readonly Arbitrary<(int Experts, int K, int[] Choices, int Capacity, int[] Order)> Routings = (
        from experts in Gen.Choose(1, 9)
        from k in Gen.Choose(1, experts)
        from rows in Gen.Choose(0, 30)
        from seed in Gen.Choose(0, int.MaxValue - 1)
        from capacity in Gen.Choose(0, 8)
        select Routing(experts, k, rows, seed, capacity)).ToArbitrary();

    [Fact]
    public void No_expert_takes_more_than_its_capacity_and_none_turns_away_while_it_has_room() => Check(routing =>
    {
        for (int e = 0; e < routing.Experts; e++)
        {
            Assert.Equal(Math.Min(routing.ChosenTokens[e], routing.Capacity), routing.Routing.KeptTokens[e]);
        }
    });

    [Fact]
    public void Every_choice_is_kept_or_counted_as_dropped() => Check(routing =>
    {
        int chosen = routing.Choices.Count(choice => choice >= 0);
        Assert.Equal(chosen, routing.ChosenTokens.Sum());
        Assert.Equal(chosen, routing.Routing.KeptRows + routing.Routing.DroppedChoices);
        Assert.Equal(routing.Routing.KeptRows, routing.Routing.KeptTokens.Sum());
        Assert.Equal(routing.Routing.KeptRows, routing.Kept.Count(kept => kept));
    });

    [Fact]
    public void Who_is_dropped_came_after_everybody_who_was_kept() => Check(routing =>
    {
        int[] place = new int[routing.Rows];
        for (int i = 0; i < routing.Rows; i++)
        {
            place[routing.Order.Length == 0 ? i : routing.Order[i]] = i;
        }

        for (int e = 0; e < routing.Experts; e++)
        {
            (int Rank, int Place)[] Of(bool kept) =>
            [
                .. Enumerable.Range(0, routing.Choices.Length).Where(i => routing.Choices[i] == e && routing.Kept[i] == kept)
                    .Select(i => (i % routing.Routing.K, place[i / routing.Routing.K])),
            ];
            Assert.True(Of(true).Length == 0 || Of(false).Length == 0 || Of(true).Max().CompareTo(Of(false).Min()) < 0);
        }
    });

    [Fact]
    public void A_token_counts_as_routed_when_some_expert_computes_it() => Check(routing => Assert.Equal(
        Enumerable.Range(0, routing.Rows).Count(row => routing.Kept.AsSpan(row * routing.Routing.K, routing.Routing.K).Contains(true)),
        routing.Routing.RoutedTokens));

    [Theory]
    [InlineData(1.25f, 2, 100, 8, 32)]
    [InlineData(1f, 1, 7, 8, 1)]
    [InlineData(0.01f, 3, 7, 8, 3)]
    [InlineData(-5f, 2, 100, 8, 5)]
    [InlineData(0f, 2, 100, 8, int.MaxValue)]
    public void Capacity_is_k_times_the_even_share_rounded_up(float factor, int k, int tokens, int experts, int expected) =>
        Assert.Equal(expected, new GateOptions { CapacityFactor = factor, TopK = k }.Capacity(tokens, experts));

    [Theory]
    [InlineData(SlotPriority.Position)]
    [InlineData(SlotPriority.Score)]
    [InlineData(SlotPriority.Random)]
    public void Without_a_limit_every_priority_keeps_everything(SlotPriority priority)
    {
        var gate = new GateCase(new GateOptions { Priority = priority, TopK = 3 }, Padding: 4);
        using var run = new GateRun(gate, 1);
        Routing routing = run.Forward(gate);
        Assert.Equal(0, routing.DroppedChoices);
        Assert.Equal(3 * gate.Valid.Sum(), routing.KeptRows);
        Assert.Equal(gate.Valid.Sum(), routing.RoutedTokens);
    }

    [Fact]
    public void Random_selection_changes_with_the_key_and_not_otherwise()
    {
        var gate = new GateCase(new GateOptions { Priority = SlotPriority.Random, CapacityFactor = 0.5f });
        using var run = new GateRun(gate, 1);
        bool[] first = run.Forward(gate).HostKept();
        Assert.Equal(first, run.Forward(gate).HostKept());
        int[] choices = run.Gate.Routing.HostChoices().ToArray();
        Assert.NotEqual(first, run.Forward(gate with { RandomKey = 3 }).HostKept());
        Assert.Equal(choices, run.Gate.Routing.HostChoices().ToArray());
    }

    private static void Check(Action<SlotCase> property) => Prop.ForAll(Routings, values =>
    {
        using var device = new CpuDevice();
        using var arena = new Arena(device, 1 << 16);
        var routing = new Routing(values.Experts);
        routing.SetChoices(Write(device, arena, values.Choices), values.Choices.Length / values.K, values.K);
        routing.AssignSlots(new Tape(device, arena), values.Capacity, Write(device, arena, values.Order));
        routing.ReadStatistics(device);
        property(new SlotCase(routing, routing.HostKept(), values.Choices, values.Capacity, values.Order));
    }).Check(Config.QuickThrowOnFailure.WithMaxTest(200).WithQuietOnSuccess(true));

    private static DeviceSpan<int> Write(CpuDevice device, Arena arena, int[] numbers)
    {
        DeviceSpan<int> span = arena.Take<int>(numbers.Length);
        device.Write<int>(numbers, span);
        return span;
    }

    private static (int Experts, int K, int[] Choices, int Capacity, int[] Order) Routing(int experts, int k, int rows, int seed, int capacity)
    {
        var random = new Random(seed);
        List<int> choices = [];
        for (int row = 0; row < rows; row++)
        {
            int[] all = [.. Enumerable.Range(0, experts)];
            random.Shuffle(all);
            int count = random.Next(4) == 0 ? random.Next(k + 1) : k;
            choices.AddRange(all[..count]);
            choices.AddRange(Enumerable.Repeat(-1, k - count));
        }

        int[] order = [.. Enumerable.Range(0, rows)];
        random.Shuffle(order);
        return (experts, k, [.. choices], capacity, random.Next(2) == 0 ? [] : order);
    }

    private sealed record SlotCase(Routing Routing, bool[] Kept, int[] Choices, int Capacity, int[] Order)
    {
        public int Experts => Routing.Experts;

        public int Rows => Routing.Rows;

        public int[] ChosenTokens => Routing.ChosenTokens;
    }
}
