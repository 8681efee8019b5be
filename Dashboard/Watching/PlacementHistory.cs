using MoEActors.Dashboard.Boards;
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

    /// <summary>The placement now; null before there was one.</summary>
    public PlacementMap? Current { get; private set; }

    /// <summary>How tokens are shared out among replicas.</summary>
    public IQuotaRule Quotas { get; private set; } = new TokenQuotas();

    /// <summary>The placement of a view; null where it is not known any more.</summary>
    public PlacementMap? Of(long view) => _maps.LastOrDefault(map => map.Version == view);

    /// <summary>The last move of each expert of a layer that has moved.</summary>
    public MovePicture[] MovesIn(int layer) => [.. _moves.Where(move => move.Key.Layer == layer).Select(move => move.Value).OrderBy(move => move.Expert)];

    /// <summary>There is another placement.</summary>
    /// <param name="map">The placement.</param>
    /// <param name="step">Committed steps.</param>
    /// <param name="run">The run.</param>
    public void Enter(PlacementMap map, long step, RunConfiguration run)
    {
        Quotas = run.Reproducible ? new MicroBatchQuotas(run.MicroBatches) : new TokenQuotas();
        if (Current is { } before && before.Layers == map.Layers)
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
            if (were.Experts != are.Experts || (were.Equals(are) && before.HasSameWorkersAs(now)))
            {
                continue;
            }

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
