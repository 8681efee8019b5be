namespace MoEActors.Placement.Quotas;

/// <summary>Carries tokens from workers above a level to workers below it, along chains of replicas.</summary>
internal sealed class QuotaPaths
{
    private readonly LayerPlacement _placement;
    private readonly long[] _quotas;
    private readonly long[] _loads;
    private readonly List<int>[] _sharedOn;

    // Of the search: the shard by which a worker was reached and the shard that would give to it.
    private readonly int[] _receiver;
    private readonly int[] _giver;
    private readonly int[] _from;
    private readonly int[] _queue;

    public QuotaPaths(LayerPlacement placement, long[] quotas, long[] loads)
    {
        _placement = placement;
        _quotas = quotas;
        _loads = loads;
        _receiver = new int[placement.Workers];
        _giver = new int[placement.Workers];
        _from = new int[placement.Workers];
        _queue = new int[placement.Workers];
        _sharedOn = new List<int>[placement.Workers];
        for (int rank = 0; rank < placement.Workers; rank++)
        {
            _sharedOn[rank] = [];
        }

        for (int expert = 0; expert < placement.Experts; expert++)
        {
            if (placement.RanksOf(expert).Length > 1)
            {
                foreach (int rank in placement.RanksOf(expert))
                {
                    _sharedOn[rank].Add(expert);
                }
            }
        }
    }

    /// <summary>Brings every worker down to the level; raises the level where that is proven to be impossible.</summary>
    /// <returns>The final level: the least possible load of the busiest worker.</returns>
    public long Level(long level)
    {
        for (int rank = 0; rank < _loads.Length; rank++)
        {
            while (_loads[rank] > level)
            {
                level = Math.Max(level, Relieve(rank, level));
            }
        }

        return level;
    }

    /// <summary>Moves tokens off a rank along one path, or returns the mean of the workers that are shut in with it, rounded up.</summary>
    private long Relieve(int start, long level)
    {
        Array.Fill(_from, -1);
        _from[start] = start;
        _queue[0] = start;
        int reached = 1;
        for (int next = 0; next < reached; next++)
        {
            int rank = _queue[next];
            foreach (int expert in _sharedOn[rank])
            {
                ReadOnlySpan<int> ranks = _placement.RanksOf(expert);
                int first = _placement.FirstShardOf(expert);
                int giver = first + ranks.BinarySearch(rank);
                if (_quotas[giver] == 0)
                {
                    continue;
                }

                for (int i = 0; i < ranks.Length; i++)
                {
                    int target = ranks[i];
                    if (_from[target] >= 0)
                    {
                        continue;
                    }

                    (_from[target], _giver[target], _receiver[target]) = (rank, giver, first + i);
                    if (_loads[target] < level)
                    {
                        Push(start, target, level);
                        return level;
                    }

                    _queue[reached++] = target;
                }
            }
        }

        long shutIn = 0;
        for (int i = 0; i < reached; i++)
        {
            shutIn += _loads[_queue[i]];
        }

        return (shutIn + reached - 1) / reached;
    }

    private void Push(int start, int end, long level)
    {
        long amount = Math.Min(_loads[start] - level, level - _loads[end]);
        for (int rank = end; rank != start; rank = _from[rank])
        {
            amount = Math.Min(amount, _quotas[_giver[rank]]);
        }

        for (int rank = end; rank != start; rank = _from[rank])
        {
            _quotas[_giver[rank]] -= amount;
            _quotas[_receiver[rank]] += amount;
        }

        _loads[start] -= amount;
        _loads[end] += amount;
    }
}
