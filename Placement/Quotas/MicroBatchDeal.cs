namespace MoEActors.Placement.Quotas;

/// <summary>The parts of one step on their way to replicas.</summary>
internal sealed class MicroBatchDeal
{
    private readonly LayerPlacement _placement;
    private readonly int _microBatches;
    private readonly long[] _parts;
    private readonly long[] _loads;
    private readonly List<int>[] _partsOn;

    public MicroBatchDeal(LayerPlacement placement, int microBatches, long[] parts)
    {
        _placement = placement;
        _microBatches = microBatches;
        _parts = parts;
        _loads = new long[placement.Workers];
        Replicas = new int[parts.Length];
        _partsOn = [.. Enumerable.Range(0, placement.Workers).Select(_ => new List<int>())];
    }

    /// <summary>By part: the number of the replica that serves it.</summary>
    public int[] Replicas { get; }

    /// <summary>Heaviest part first to the least loaded of its expert's workers.</summary>
    public void DealOut()
    {
        List<int> shared = [];
        for (int part = 0; part < _parts.Length; part++)
        {
            if (RanksOf(part) is [int only])
            {
                _loads[only] += _parts[part];
            }
            else
            {
                shared.Add(part);
            }
        }

        foreach (int part in shared.OrderByDescending(part => _parts[part]))
        {
            ReadOnlySpan<int> ranks = RanksOf(part);
            int best = 0;
            for (int i = 1; i < ranks.Length; i++)
            {
                best = _loads[ranks[i]] < _loads[ranks[best]] ? i : best;
            }

            Replicas[part] = best;
            _loads[ranks[best]] += _parts[part];
            _partsOn[ranks[best]].Add(part);
        }
    }

    /// <summary>Lets the busiest worker give parts away while some worker's load below its own results.</summary>
    public void Improve()
    {
        // Each success lowers the busiest worker or leaves one fewer at its height; the limit only guards against long tails.
        for (int round = 0; round < 2 * _parts.Length && RelieveBusiest(); round++)
        {
        }
    }

    private bool RelieveBusiest()
    {
        int busiest = Array.IndexOf(_loads, _loads.Max());
        long best = _loads[busiest];
        (int Part, int Replica, int Next, int NextReplica) choice = (-1, 0, -1, 0);
        long tried = -1;
        int triedExpert = -1;
        foreach (int part in _partsOn[busiest])
        {
            // Equal parts of one expert are alike.
            if (_parts[part] == 0 || (triedExpert == part / _microBatches && tried == _parts[part]))
            {
                continue;
            }

            (triedExpert, tried) = (part / _microBatches, _parts[part]);
            long left = _loads[busiest] - _parts[part];
            ReadOnlySpan<int> ranks = RanksOf(part);
            for (int i = 0; i < ranks.Length; i++)
            {
                int rank = ranks[i];
                if (rank == busiest)
                {
                    continue;
                }

                long height = Math.Max(left, _loads[rank] + _parts[part]);
                if (height < best)
                {
                    (best, choice) = (height, (part, i, -1, 0));
                }

                Exchange(busiest, part, i, left, ref best, ref choice);
            }
        }

        if (choice.Part < 0)
        {
            return false;
        }

        Give(choice.Part, choice.Replica);
        if (choice.Next >= 0)
        {
            Give(choice.Next, choice.NextReplica);
        }

        return true;
    }

    /// <summary>The second step: the receiver of <paramref name="part"/> gives one of its own parts on, perhaps back to the busiest.</summary>
    private void Exchange(
        int busiest, int part, int replica, long left, ref long best, ref (int Part, int Replica, int Next, int NextReplica) choice)
    {
        int middle = RanksOf(part)[replica];
        foreach (int next in _partsOn[middle])
        {
            long middleLoad = _loads[middle] + _parts[part] - _parts[next];
            if (middleLoad >= best)
            {
                continue;
            }

            ReadOnlySpan<int> ranks = RanksOf(next);
            for (int i = 0; i < ranks.Length; i++)
            {
                int rank = ranks[i];
                if (rank == middle)
                {
                    continue;
                }

                long height = rank == busiest
                    ? Math.Max(left + _parts[next], middleLoad)
                    : Math.Max(Math.Max(left, middleLoad), _loads[rank] + _parts[next]);
                if (height < best)
                {
                    (best, choice) = (height, (part, replica, next, i));
                }
            }
        }
    }

    private void Give(int part, int replica)
    {
        ReadOnlySpan<int> ranks = RanksOf(part);
        int from = ranks[Replicas[part]], to = ranks[replica];
        _loads[from] -= _parts[part];
        _loads[to] += _parts[part];
        _partsOn[from].Remove(part);
        _partsOn[to].Add(part);
        Replicas[part] = replica;
    }

    private ReadOnlySpan<int> RanksOf(int part) => _placement.RanksOf(part / _microBatches);
}
