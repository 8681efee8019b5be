using MoEActors.Placement.Planners;
using MoEActors.Placement.Quotas;
using MoEActors.Placement.Simulation;

namespace MoEActors.Tests.Placement;

/// <summary>What is promised for heavy, drifting skew holds for loads of many forms, on 8 workers with 8 spare slots.</summary>
public sealed class HardTraceTests
{
    private const int Layers = 2;

    [Theory]
    [InlineData("walk")]
    [InlineData("steep")]
    [InlineData("few tokens")]
    [InlineData("neighbours")]
    [InlineData("noisy neighbours")]
    [InlineData("bursts")]
    [InlineData("restless")]
    [InlineData("gliding")]
    [InlineData("waves")]
    [InlineData("exchanges")]
    public void Skew_of_any_form_is_balanced_with_few_moves(string kind)
    {
        LoadTrace trace = Make(kind, seed: 11);
        SimulationResult unchanged = Run(trace, new KeepPlanner(), new TokenQuotas());
        SimulationResult tokens = Run(trace, new IncrementalPlanner(), new TokenQuotas());
        SimulationResult whole = Run(trace, new IncrementalPlanner(), new MicroBatchQuotas());
        Assert.InRange(tokens.RatioMeanBefore500!.Value, 1, 1.25);
        Assert.InRange(tokens.RatioMeanAfter500!.Value, 1, 1.04);
        Assert.InRange(whole.RatioMeanAfter500!.Value, 1, 1.15);
        Assert.All([tokens, whole], result => Assert.InRange(result.ShardsMovedPerLayerPlan, 0, 1));
        Assert.True(unchanged.RatioMeanBefore500 < 3 || unchanged.RatioMeanAfter500 < 3 || unchanged.Seconds / tokens.Seconds >= 2.5);
    }

    [Theory]
    [InlineData("steep", 1)]
    [InlineData("steep", 2)]
    [InlineData("steep", 4)]
    [InlineData("exchanges", 2)]
    [InlineData("walk", 2)]
    public void Fewer_spare_slots_than_workers_serve_as_well_as_if_placed_anew(string kind, int spareSlots)
    {
        const double Tolerance = 1.02;
        LoadTrace trace = Make(kind, seed: 14);
        SimulationResult anew = Run(trace, new ReplicateAndPackPlanner(), new TokenQuotas(), spareSlots);
        SimulationResult result = Run(trace, new IncrementalPlanner(), new TokenQuotas(), spareSlots);
        Assert.InRange(result.RatioMeanBefore500!.Value, 1, Tolerance * anew.RatioMeanBefore500!.Value);
        Assert.InRange(result.RatioMeanAfter500!.Value, 1, Tolerance * anew.RatioMeanAfter500!.Value);
        Assert.InRange(result.ShardsMovedPerLayerPlan, 0, 1);
    }

    [Fact]
    public void A_change_that_nobody_foresees_costs_the_row_of_the_change_and_no_more()
    {
        const double PartOfRows = 0.1;
        LoadTrace trace = Make("rotation", seed: 13);
        SimulationResult unchanged = Run(trace, new KeepPlanner(), new TokenQuotas());
        SimulationResult result = Run(trace, new IncrementalPlanner(), new TokenQuotas());
        Assert.InRange(result.RatioMeanAfter500!.Value, 1, 1.01 + (PartOfRows * (unchanged.RatioMeanAfter500!.Value - 1)));
    }

    [Theory]
    [InlineData("even")]
    [InlineData("even, bursts")]
    [InlineData("even, outliers")]
    [InlineData("even, few tokens")]
    public void Even_load_is_left_alone_however_it_scatters(string kind)
    {
        LoadTrace trace = Make(kind, seed: 12, layers: 8);
        SimulationResult unchanged = Run(trace, new KeepPlanner(), new TokenQuotas());
        Assert.All([new IncrementalPlanner(), new ReplicateAndPackPlanner()], (IPlanner planner) =>
        {
            SimulationResult result = Run(trace, planner, new TokenQuotas());
            Assert.Equal((0, unchanged.Seconds), (result.ShardsMoved, result.Seconds));
        });
    }

    /// <summary>What no plan can foresee is levelled by copies that live for a step; where it changes in every row, at a price.</summary>
    [Theory]
    [InlineData(100, 1.08, 1.08)]
    [InlineData(400, 1.08, 1.08)]
    [InlineData(10, 1.13, 1.15)]
    public void Unforeseeable_load_is_levelled_by_copies(int period, double tokens, double whole)
    {
        LoadTrace trace = TraceGenerator.Generate(Options(TraceKind.Rotation) with { Seed = 15, Layers = Layers, Period = period });
        Assert.All([(new TokenQuotas(), tokens), (new MicroBatchQuotas(), whole)], ((IQuotaRule Quotas, double Most) mode) =>
        {
            SimulationResult result = Run(trace, new IncrementalPlanner(), mode.Quotas, copies: true);
            Assert.InRange(result.Copies!.LayerTimeVsBalanced, 1, mode.Most);
            Assert.InRange(result.Copies.BytesVsRows, 0, 0.62);
        });
    }

    private static LoadTrace Make(string kind, int seed, int layers = Layers) => TraceGenerator.Generate(kind switch
    {
        "few tokens" => Options(TraceKind.Walk) with { Tokens = 4096 },
        "noisy neighbours" => Options(TraceKind.Neighbours) with { Noise = 0.1 },
        "even, bursts" => Options(TraceKind.Even) with { Noise = 0.25 },
        "even, outliers" => Options(TraceKind.Outliers),
        "even, few tokens" => Options(TraceKind.Even) with { Tokens = 1024 },
        _ => Options(Enum.Parse<TraceKind>(kind, ignoreCase: true)),
    } with
    { Seed = (ulong)seed, Layers = layers });

    private static TraceOptions Options(TraceKind kind) => new() { Kind = kind };

    private static SimulationResult Run(LoadTrace trace, IPlanner planner, IQuotaRule quotas, int spareSlots = 8, bool copies = false) =>
        new PlacementSimulator(trace, new SimulationOptions { Quotas = quotas, SpareSlots = spareSlots, Copies = copies }, TimeProvider.System).Run(planner);
}
