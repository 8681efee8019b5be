using MoEActors.Cli.Progress;
using MoEActors.Client.History;
using MoEActors.Grains.Interfaces.Training;
using MoEActors.Placement.Map;
using MoEActors.Placement.Planners;
using MoEActors.Placement.Quotas;

namespace MoEActors.Cli.Training;

/// <summary>Where a run's experts are, and how the tokens of a step are spread over them and their silos.</summary>
internal sealed class ExpertPlacement(TrainingStatus status, TimeProvider time)
{
    /// <summary>How long an expert counts as just moved; views show it for a shorter time.</summary>
    private static readonly TimeSpan Recently = TimeSpan.FromSeconds(10);

    private readonly IQuotaRule _quotas =
        status.Configuration.Reproducible ? new MicroBatchQuotas(status.Configuration.MicroBatches) : new TokenQuotas();

    private readonly string[] _silos = [.. status.SiloNames.Distinct()];
    private readonly PlacementMap _began = StaticPlanner.Plan(status.Map!.Version, status.Map.Workers, status.Configuration.Model.Experts);
    private TrainingStatus _status = status;
    private PlacementMap _map = status.Map!;
    private MovedExpert[] _moved = [];

    /// <summary>Experts that have come to other silos in the last seconds.</summary>
    public IReadOnlyList<MovedExpert> Moved
    {
        get
        {
            DateTimeOffset since = time.GetUtcNow() - Recently;
            return _moved = [.. _moved.Where(moved => moved.At >= since)];
        }
    }

    /// <summary>By layer: tokens of the busiest worker over the mean; 1 for a dense layer.</summary>
    public double[] Balances(long[][] tokens) => Balances(_map, tokens);

    /// <summary>The same if experts were where runs begin: equal runs of them on every worker.</summary>
    public double[] BalancesAsBegun(long[][] tokens) => Balances(_began, tokens);

    /// <summary>The layers with experts, and the silos' shares of the tokens.</summary>
    /// <param name="tokens">By layer and expert: tokens of a step.</param>
    /// <remarks>Steps do not report which replica served which tokens; it follows from the rule by which they are divided.</remarks>
    public (IReadOnlyList<ExpertLayer> Layers, IReadOnlyList<SiloShare> Silos) Spread(long[][] tokens)
    {
        long[] ofSilo = new long[_silos.Length];
        List<ExpertLayer> layers = [];
        for (int layer = 0; layer < tokens.Length; layer++)
        {
            if (tokens[layer].Length == 0)
            {
                continue;
            }

            double mean = (double)tokens[layer].Sum() / tokens[layer].Length;
            LayerQuotas quotas = _quotas.Split(_map.PlacementOf(layer), tokens[layer]);
            var experts = new ExpertPlace[tokens[layer].Length];
            for (int expert = 0; expert < experts.Length; expert++)
            {
                ReadOnlySpan<int> ranks = quotas.Placement.RanksOf(expert);
                int[] silos = new int[ranks.Length];
                for (int replica = 0; replica < ranks.Length; replica++)
                {
                    silos[replica] = Array.IndexOf(_silos, _status.SiloNames[ranks[replica]]);
                    ofSilo[silos[replica]] += quotas.Of(expert)[replica];
                }

                experts[expert] = new ExpertPlace(mean > 0 ? tokens[layer][expert] / mean : 0, silos);
            }

            layers.Add(new ExpertLayer(layer, experts));
        }

        double all = Math.Max(1, ofSilo.Sum());
        return (layers, [.. _silos.Select((name, silo) => new SiloShare(name, ofSilo[silo] / all))]);
    }

    /// <summary>The busiest expert of the busiest worker, and the idlest worker to take it; null when there is but one worker.</summary>
    /// <param name="tokens">By layer and expert: tokens of a step.</param>
    public ExpertMove? Busiest(long[][] tokens)
    {
        int[][][] ranks = _map.Ranks();
        (int Layer, int Expert)[] experts = [.. tokens.SelectMany((ofLayer, layer) => ofLayer.Select((_, expert) => (layer, expert)))];
        long[] loads = new long[_status.SiloNames.Length];
        foreach ((int layer, int expert) in experts)
        {
            loads[ranks[layer][expert][0]] += tokens[layer][expert];
        }

        int busiest = Array.IndexOf(loads, loads.Max());
        int idlest = Array.IndexOf(loads, loads.Min());
        (int Layer, int Expert)[] candidates = [.. experts.Where(one => ranks[one.Layer][one.Expert] is [int rank] && rank == busiest)];
        if (busiest == idlest || candidates.Length == 0)
        {
            return null;
        }

        (int hotLayer, int hotExpert) = candidates.MaxBy(one => tokens[one.Layer][one.Expert]);
        return new ExpertMove(hotLayer, hotExpert, idlest);
    }

    /// <summary>The silo of an expert that has no replica.</summary>
    public string SiloOf(int layer, int expert) => _status.SiloNames[_map.Ranks()[layer][expert][0]];

    /// <summary>Takes over the placement of a new view.</summary>
    /// <param name="now">The model's state.</param>
    /// <param name="step">The step after which it is so.</param>
    /// <returns>What has changed its place; null when nothing has.</returns>
    public PlacementEvent? Follow(TrainingStatus now, long step)
    {
        if (now.Map is not { } map || now.View == _status.View)
        {
            return null;
        }

        PlacementEvent? moved = PlacementEvent.Between(_status, now);
        (_status, _map) = (now, map);
        if (moved is null)
        {
            return null;
        }

        DateTimeOffset at = time.GetUtcNow();
        _moved = [.. Moved, .. moved.Experts.Where(one => one.To.Except(one.From).Any()).Select(one => new MovedExpert(one.Layer, one.Expert, at))];
        return moved with { Step = step };
    }

    private double[] Balances(PlacementMap map, long[][] tokens) =>
        [.. tokens.Select((ofLayer, layer) => ofLayer.Length > 0 ? _quotas.Split(map.PlacementOf(layer), ofLayer).BalanceRatio : 1)];
}

/// <summary>An expert and the rank that is to hold it.</summary>
internal readonly record struct ExpertMove(int Layer, int Expert, int Rank);
