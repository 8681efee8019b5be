using MoEActors.Dashboard.Boards;
using MoEActors.Grains.Interfaces.Telemetry;
using MoEActors.Placement.Map;
using MoEActors.Placement.Quotas;

namespace MoEActors.Dashboard.Watching;

/// <summary>Where the experts of a model are, were shortly before, and how they got there.</summary>
/// <param name="silos">Names of silos.</param>
internal sealed class PlacementHistory(SiloNames silos)
{
    /// <summary>A step's load comes with the view in which it ran, and that may be over by then.</summary>
    private const int Kept = 4;

    private readonly Queue<PlacementMap> _maps = [];
    private readonly Dictionary<(int Layer, int Expert), MovePicture> _moves = [];
    private IQuotaRule _quotas = new TokenQuotas();

    /// <summary>The placement now; null before there was one.</summary>
    public PlacementMap? Current { get; private set; }

    /// <summary>There is another placement.</summary>
    /// <param name="map">The placement.</param>
    /// <param name="step">Committed steps.</param>
    /// <param name="run">The run.</param>
    public void Enter(PlacementMap map, long step, RunConfiguration run)
    {
        _quotas = run.Reproducible ? new MicroBatchQuotas(run.MicroBatches) : new TokenQuotas();
        if (Current is { } before)
        {
            Compare(before, map, step);
        }

        Current = map;
        _maps.Enqueue(map);
        if (_maps.Count > Kept)
        {
            _maps.Dequeue();
        }
    }

    /// <summary>Balance ratios of the layers with experts in the last step; null where its placement is not known any more.</summary>
    public double[]? RatiosOf(WindowLoad load) => MapOf(load) is { } map
        ? [.. Enumerable.Range(0, map.Layers).Where(layer => load.Newest[layer].Length > 0).Select(layer => Split(map, layer, load.Newest[layer]).BalanceRatio)]
        : null;

    /// <summary>Shards of all layers on a rank.</summary>
    public int ShardsOf(int rank) => Current is { } map ? Enumerable.Range(0, map.Layers).Sum(layer => map.PlacementOf(layer).ShardsPerWorker()[rank]) : 0;

    /// <summary>Tokens of the window that each rank's experts serve on the placement of now, of all layers.</summary>
    public long[] TokensByRank(WindowLoad load)
    {
        PlacementMap map = Current!;
        long[] tokens = new long[map.Workers.Length];
        foreach (int layer in Enumerable.Range(0, map.Layers).Where(layer => load.Tokens[layer].Length > 0))
        {
            ReadOnlySpan<long> ofLayer = Split(map, layer, load.Tokens[layer]).WorkerTokens;
            for (int rank = 0; rank < tokens.Length; rank++)
            {
                tokens[rank] += ofLayer[rank];
            }
        }

        return tokens;
    }

    /// <summary>Puts all layers on the board.</summary>
    public void Put(ModelBoard board, PlacementMap map, WindowLoad? load)
    {
        PlacementMap? newest = load is null ? null : MapOf(load);
        var layers = new LayerPicture[map.Layers];
        for (int layer = 0; layer < map.Layers; layer++)
        {
            LayerPlacement placement = map.PlacementOf(layer);
            LayerBoard ofLayer = board.Layer(layer);
            ofLayer.Placement.Put(new PlacementPicture(
                layer, map.Version, placement.Ranks(), [.. _moves.Where(move => move.Key.Layer == layer).Select(move => move.Value).OrderBy(move => move.Expert)]));
            LayerQuotas? split = null;
            if (load is not null && placement.Experts > 0)
            {
                split = Split(map, layer, load.Tokens[layer]);
                ofLayer.Load.Put(LoadOf(layer, map, split, load));
            }

            layers[layer] = new LayerPicture(
                layer, placement.Experts, placement.Shards,
                newest is null || placement.Experts == 0 ? null : Split(newest, layer, load!.Newest[layer]).BalanceRatio, split?.BalanceRatio,
                load?.Tokens[layer].Sum() ?? 0, load?.Dropped[layer] ?? 0, load?.Dead[layer].Length ?? 0, load?.Dead[layer][..Math.Min(16, load.Dead[layer].Length)] ?? [],
                load?.RouterEntropy.ElementAtOrDefault(layer));
        }

        board.Layers.Put(layers);
    }

    private static LoadPicture LoadOf(int layer, PlacementMap map, LayerQuotas split, WindowLoad load)
    {
        LayerPlacement placement = split.Placement;
        ReplicaPicture[] shares =
        [
            .. Enumerable.Range(0, placement.Experts).Where(expert => placement.RanksOf(expert).Length > 1)
                .Select(expert => new ReplicaPicture(expert, split.Of(expert).ToArray())),
        ];
        return new LoadPicture(layer, load.From, load.To, map.Version, load.Tokens[layer], shares, split.WorkerTokens.ToArray());
    }

    private PlacementMap? MapOf(WindowLoad load) => _maps.LastOrDefault(map => map.Version == load.NewestView);

    private LayerQuotas Split(PlacementMap map, int layer, long[] tokens) => _quotas.Split(map.PlacementOf(layer), tokens);

    private void Compare(PlacementMap before, PlacementMap now, long step)
    {
        if (!before.HasSameWorkersAs(now))
        {
            // Ranks are those of others: what moved before is told in words alone.
            _moves.Clear();
        }

        DateTimeOffset time = DateTimeOffset.UtcNow;
        for (int layer = 0; layer < now.Layers; layer++)
        {
            (LayerPlacement were, LayerPlacement are) = (before.PlacementOf(layer), now.PlacementOf(layer));
            for (int expert = 0; expert < are.Experts; expert++)
            {
                WorkerId[] had = [.. were.RanksOf(expert).ToArray().Select(rank => before.Workers[rank])];
                int[] arrived = [.. are.RanksOf(expert).ToArray().Where(rank => !had.Contains(now.Workers[rank]))];
                if (arrived.Length > 0)
                {
                    _moves[(layer, expert)] = new MovePicture(expert, [.. had.Select(worker => silos.Of(worker.Silo))], arrived, now.Version, step, time);
                }
            }
        }
    }
}
