using MoEActors.Placement.Costs;
using MoEActors.Placement.Load;
using MoEActors.Placement.Plans;
using MoEActors.Placement.Quotas;

namespace MoEActors.Placement.Simulation;

/// <summary>Adds up what a replay measures.</summary>
internal sealed class SimulationMeter(CostModel costs, IQuotaRule quotas)
{
    private const long Divide = 500;

    private readonly List<double> _before = [];
    private readonly List<double> _after = [];
    private double? _worst;
    private double _seconds;
    private double _balanced;
    private double _planning;
    private int _plans;
    private int _moved;

    public void Planned(PlacementPlan plan, TimeSpan time)
    {
        _plans++;
        _planning += time.TotalMilliseconds;
        _seconds += plan.MoveSeconds;
    }

    public void Moved(int shards) => _moved += shards;

    public void Measure(LoadSample row, LayerPlacement[] placements, long steps)
    {
        double ratios = 0;
        int layers = 0;
        for (int layer = 0; layer < placements.Length; layer++)
        {
            if (placements[layer].Experts == 0)
            {
                continue;
            }

            LayerQuotas split = quotas.Split(placements[layer], row.Tokens[layer]);
            _seconds += steps * costs.LayerSeconds(split);
            _balanced += steps * costs.BalancedSeconds(row.Tokens[layer].Sum());
            ratios += split.BalanceRatio;
            layers++;
            if (row.Step >= Divide)
            {
                _worst = Math.Max(_worst ?? 1, split.BalanceRatio);
            }
        }

        (row.Step < Divide ? _before : _after).Add(layers == 0 ? 1 : ratios / layers);
    }

    public SimulationResult Result(string policy, int layers) => new()
    {
        Policy = policy,
        RatioMeanBefore500 = _before.Count == 0 ? null : _before.Average(),
        RatioMeanAfter500 = _after.Count == 0 ? null : _after.Average(),
        RatioWorstAfter500 = _worst,
        Seconds = _seconds,
        BalancedSeconds = _balanced,
        Plans = _plans,
        ShardsMoved = _moved,
        Layers = layers,
        BytesMoved = _moved * costs.Size.StateBytes,
        PlanningMilliseconds = _plans == 0 ? 0 : _planning / _plans,
    };
}
