using MoEActors.Placement.Map;

namespace MoEActors.Placement.Quotas;

/// <summary>
/// Lowers the load of every worker to a bound, by augmenting paths: a path leads from a worker above the bound over replicas to a worker below it,
/// and moves tokens of an expert from one replica to the next at every edge. A breadth-first search finds the shortest path, as in the
/// maximum-flow algorithm of Edmonds and Karp ("Theoretical improvements in algorithmic efficiency for network flow problems", JACM 19, 1972).
/// </summary>
internal sealed class AugmentingPaths
{
    private readonly LayerPlacement _placement;
    private readonly long[] _quotas;
    private readonly long[] _loads;

    // By worker: the shards on it whose expert has more than one replica.
    private readonly int[] _firstOn;
    private readonly int[] _shardsOn;
    private readonly int[] _expertOf;

    // By worker that the search has reached: the shard there that tokens move to, the shard they come from, and the worker before it on the path.
    private readonly int[] _target;
    private readonly int[] _source;
    private readonly int[] _from;
    private readonly int[] _queue;
    private readonly int[] _searched;
    private int _search;

    public AugmentingPaths(LayerPlacement placement, long[] quotas, long[] loads)
    {
        _placement = placement;
        _quotas = quotas;
        _loads = loads;
        _target = new int[placement.Workers];
        _source = new int[placement.Workers];
        _from = new int[placement.Workers];
        _queue = new int[placement.Workers];
        _searched = new int[placement.Experts];
        _expertOf = new int[placement.Shards];
        _firstOn = new int[placement.Workers + 1];
        _shardsOn = new int[placement.Shards];
        Index();
    }

    /// <summary>Lowers every worker's load to the bound; raises the bound where a set of workers proves that to be impossible.</summary>
    /// <param name="bound">The bound, in tokens.</param>
    /// <param name="slack">How far above the bound a load may stay, in tokens.</param>
    public void Balance(long bound, long slack)
    {
        for (int rank = 0; rank < _loads.Length; rank++)
        {
            while (_loads[rank] > bound + slack)
            {
                bound = Math.Max(bound, Augment(rank, bound));
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

    /// <summary>
    /// Moves tokens away from a rank along one path. Without a path, the tokens of the workers that were reached have no other worker to go to
    /// (the deficient set of Hall's theorem), so no split gives their busiest less than their mean.
    /// </summary>
    /// <returns>The bound, or that mean, rounded up.</returns>
    private long Augment(int start, long bound)
    {
        _search++;
        Array.Fill(_from, -1);
        _from[start] = start;
        _queue[0] = start;
        int reached = 1;
        for (int next = 0; next < reached; next++)
        {
            int rank = _queue[next];
            foreach (int source in _shardsOn.AsSpan(_firstOn[rank].._firstOn[rank + 1]))
            {
                int expert = _expertOf[source];
                if (_quotas[source] == 0 || _searched[expert] == _search)
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

                    (_from[target], _source[target], _target[target]) = (rank, source, first + i);
                    if (_loads[target] < bound)
                    {
                        MoveTokens(start, target, bound);
                        return bound;
                    }

                    _queue[reached++] = target;
                }
            }
        }

        long enclosed = 0;
        for (int i = 0; i < reached; i++)
        {
            enclosed += _loads[_queue[i]];
        }

        return (enclosed + reached - 1) / reached;
    }

    private void MoveTokens(int start, int end, long bound)
    {
        long amount = Math.Min(_loads[start] - bound, bound - _loads[end]);
        for (int rank = end; rank != start; rank = _from[rank])
        {
            amount = Math.Min(amount, _quotas[_source[rank]]);
        }

        for (int rank = end; rank != start; rank = _from[rank])
        {
            _quotas[_source[rank]] -= amount;
            _quotas[_target[rank]] += amount;
        }

        _loads[start] -= amount;
        _loads[end] += amount;
    }
}
