using MoEActors.Placement.Map;

namespace MoEActors.Placement.Quotas;

/// <summary>Carries tokens from workers above a level to workers below it, along chains of replicas.</summary>
internal sealed class QuotaPaths
{
    private readonly LayerPlacement _placement;
    private readonly long[] _quotas;
    private readonly long[] _loads;

    // By worker: the shards on it whose expert has more than one replica.
    private readonly int[] _firstOn;
    private readonly int[] _shardsOn;
    private readonly int[] _expertOf;

    // Of the search: the shard that receives on a worker, the shard that gives to it, and the worker that gives.
    private readonly int[] _receiver;
    private readonly int[] _giver;
    private readonly int[] _from;
    private readonly int[] _queue;
    private readonly int[] _searched;
    private int _search;

    public QuotaPaths(LayerPlacement placement, long[] quotas, long[] loads)
    {
        _placement = placement;
        _quotas = quotas;
        _loads = loads;
        _receiver = new int[placement.Workers];
        _giver = new int[placement.Workers];
        _from = new int[placement.Workers];
        _queue = new int[placement.Workers];
        _searched = new int[placement.Experts];
        _expertOf = new int[placement.Shards];
        _firstOn = new int[placement.Workers + 1];
        _shardsOn = new int[placement.Shards];
        Index();
    }

    /// <summary>Brings every worker down to the level; raises the level where that is proven to be impossible.</summary>
    /// <param name="level">The level, in tokens.</param>
    /// <param name="slack">How far above the level a worker may stay, in tokens.</param>
    public void Level(long level, long slack)
    {
        for (int rank = 0; rank < _loads.Length; rank++)
        {
            while (_loads[rank] > level + slack)
            {
                level = Math.Max(level, Relieve(rank, level));
            }
        }
    }

    private void Index()
    {
        for (int expert = 0; expert < _placement.Experts; expert++)
        {
            ReadOnlySpan<int> ranks = _placement.RanksOf(expert);
            _expertOf.AsSpan(_placement.FirstShardOf(expert), ranks.Length).Fill(expert);
            foreach (int rank in ranks.Length > 1 ? ranks : [])
            {
                _firstOn[rank + 1]++;
            }
        }

        for (int rank = 0; rank < _placement.Workers; rank++)
        {
            _firstOn[rank + 1] += _firstOn[rank];
        }

        int[] next = _firstOn[..^1];
        for (int expert = 0; expert < _placement.Experts; expert++)
        {
            ReadOnlySpan<int> ranks = _placement.RanksOf(expert);
            for (int i = 0; i < ranks.Length && ranks.Length > 1; i++)
            {
                _shardsOn[next[ranks[i]]++] = _placement.FirstShardOf(expert) + i;
            }
        }
    }

    /// <summary>Moves tokens off a rank along one path, or returns the mean of the workers that are shut in with it, rounded up.</summary>
    private long Relieve(int start, long level)
    {
        _search++;
        Array.Fill(_from, -1);
        _from[start] = start;
        _queue[0] = start;
        int reached = 1;
        for (int next = 0; next < reached; next++)
        {
            int rank = _queue[next];
            foreach (int giver in _shardsOn.AsSpan(_firstOn[rank].._firstOn[rank + 1]))
            {
                int expert = _expertOf[giver];
                if (_quotas[giver] == 0 || _searched[expert] == _search)
                {
                    continue;
                }

                _searched[expert] = _search;
                ReadOnlySpan<int> ranks = _placement.RanksOf(expert);
                int first = _placement.FirstShardOf(expert);
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
