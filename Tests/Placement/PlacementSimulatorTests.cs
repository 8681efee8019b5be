using MoEActors.Placement.Load;
using MoEActors.Placement.Map;
using MoEActors.Placement.Planners;
using MoEActors.Placement.Policy;
using MoEActors.Placement.Quotas;
using MoEActors.Placement.Simulation;

namespace MoEActors.Tests.Placement;

public sealed class PlacementSimulatorTests
{
    [Theory]
    [InlineData(TraceKind.Drift, 1, 10)]
    [InlineData(TraceKind.Drift, 2, 1)]
    [InlineData(TraceKind.Swap, 3, 10)]
    [InlineData(TraceKind.Growth, 4, 10)]
    public void Skew_is_balanced_with_few_moves(TraceKind kind, int seed, int interval)
    {
        LoadTrace trace = TraceGenerator.Generate(
            new TraceOptions { Kind = kind, Seed = (ulong)seed, Interval = interval, Layers = interval == 1 ? 2 : 6, Steps = 1500 });
        SimulationResult unchanged = Run(trace, new KeepPlanner());
        SimulationResult result = Run(trace, new IncrementalPlanner());
        Assert.InRange(result.RatioMeanBefore500!.Value, 1, 1.25);
        Assert.InRange(result.RatioMeanAfter500!.Value, 1, 1.04);
        Assert.InRange(result.ShardsMovedPerLayerPlan, 0, 1);
        Assert.True(unchanged.RatioMeanAfter500 < 3 || kind == TraceKind.Growth || unchanged.Seconds / result.Seconds >= 2.5);
        Assert.InRange(Run(trace, new IncrementalPlanner(), new MicroBatchQuotas()).RatioMeanAfter500!.Value, 1, 1.15);
    }

    [Theory]
    [InlineData(8192)]
    [InlineData(65_536)]
    public void Uniform_load_costs_nothing(int tokens)
    {
        LoadTrace trace = TraceGenerator.Generate(new TraceOptions { Kind = TraceKind.Uniform, Layers = 4, Steps = 1000, Tokens = tokens });
        SimulationResult unchanged = Run(trace, new KeepPlanner());
        Assert.All(PlannerCatalog.All, planner =>
        {
            SimulationResult result = Run(trace, planner);
            Assert.Equal((0, unchanged.Seconds), (result.ShardsMoved, result.Seconds));
        });
    }

    [Fact]
    public void A_policy_sees_only_the_past()
    {
        LoadTrace trace = TraceGenerator.Generate(new TraceOptions { Layers = 1, Steps = 300 });
        LoadSample last = trace.Rows[^1];
        LoadTrace changed = new([.. trace.Rows[..^1], new LoadSample(last.Step, [[.. last.Tokens[0].Reverse()]])]);
        Assert.Equal(Run(trace, new IncrementalPlanner()).ShardsMoved, Run(changed, new IncrementalPlanner()).ShardsMoved);
    }

    [Fact]
    public void Plans_beyond_the_byte_budget_are_applied_later()
    {
        LoadTrace trace = TraceGenerator.Generate(new TraceOptions { Layers = 2, Steps = 400, Interval = 1 });
        SimulationResult slow = Run(trace, new ReplicateAndPackPlanner(), budget: 1);
        SimulationResult fast = Run(trace, new ReplicateAndPackPlanner(), budget: long.MaxValue / 2);
        Assert.True(slow.RatioMeanBefore500 > fast.RatioMeanBefore500);
        Assert.InRange(slow.ShardsMoved, 1, 399);
        Assert.Equal(slow.ShardsMoved * (24L << 20), slow.BytesMoved);
    }

    [Fact]
    public void Slots_that_cannot_be_filled_are_refused()
    {
        Assert.Equal([2, 2, 1], SpareSlots.Of(3, 3, 2));
        Assert.Throws<PlacementException>(() => SpareSlots.Of(3, 3, 7));
        Assert.Throws<PlacementException>(() => SpareSlots.Of(3, 3, -1));
    }

    private static SimulationResult Run(LoadTrace trace, IPlanner planner, IQuotaRule? quotas = null, long? budget = null)
    {
        DirectorOptions director = new();
        return new PlacementSimulator(
            trace,
            new SimulationOptions { Quotas = quotas ?? new TokenQuotas(), Director = director with { BytesPerStep = budget ?? director.BytesPerStep } },
            TimeProvider.System).Run(planner);
    }
}
