using MoEActors.Placement.Map;

namespace MoEActors.Placement.Quotas;

/// <summary>
/// <see cref="MicroBatchQuotas"/> for one placement, repeatedly and without allocation: what workers run in every round. Not thread-safe.
/// </summary>
public sealed class MicroBatchAssignment
{
    private readonly LayerPlacement _placement;
    private readonly int _microBatches;
    private readonly long[] _parts;
    private readonly long[] _loads;
    private readonly int[] _replicas;
    private readonly List<int>[] _partsOn;

    // The parts of experts with more than one replica, by part and heaviest first.
    private readonly int[] _shared;
    private readonly int[] _order;
    private readonly Comparison<int> _heavierFirst;

    /// <summary>Allocates the buffers for a placement.</summary>
    /// <param name="placement">Where the replicas are.</param>
    /// <param name="microBatches">Micro-batches that are assigned together.</param>
    public MicroBatchAssignment(LayerPlacement placement, int microBatches)
    {
        _placement = placement;
        _microBatches = microBatches;
        _parts = new long[placement.Experts * microBatches];
        _loads = new long[placement.Workers];
        _replicas = new int[_parts.Length];
        _shared = [.. Enumerable.Range(0, _parts.Length).Where(part => RanksOf(part).Length > 1)];
        _order = new int[_shared.Length];
        _partsOn =
        [
            .. Enumerable.Range(0, placement.Workers)
                .Select(rank => new List<int>(_shared.Count(part => placement.Holds(part / microBatches, rank)))),
        ];
        _heavierFirst = (left, right) => (_parts[right], left).CompareTo((_parts[left], right));
    }

    /// <summary>Assigns each micro-batch's part of every expert to one replica.</summary>
    /// <param name="parts">By expert, then micro-batch: tokens.</param>
    /// <returns>By expert, then micro-batch: the number of the replica; valid until the next call.</returns>
    /// <exception cref="PlacementException">There are not as many parts as experts times micro-batches.</exception>
    public ReadOnlySpan<int> Assign(ReadOnlySpan<long> parts)
    {
        if (parts.Length != _parts.Length)
        {
            throw new PlacementException($"{parts.Length} parts were given for {_placement.Experts} experts in {_microBatches} micro-batches.");
        }

        parts.CopyTo(_parts);
        Array.Clear(_loads);
        Array.Clear(_replicas);
        foreach (List<int> own in _partsOn)
        {
            own.Clear();
        }

        AssignHeaviestFirst();
        Improve();
        return _replicas;
    }

    /// <summary>Assigns the heaviest part first, each to the least loaded of its expert's workers.</summary>
    private void AssignHeaviestFirst()
    {
        for (int expert = 0; expert < _placement.Experts; expert++)
        {
            if (_placement.RanksOf(expert) is [int only])
            {
                foreach (long tokens in _parts.AsSpan(expert * _microBatches, _microBatches))
                {
                    _loads[only] += tokens;
                }
            }
        }

        _shared.CopyTo(_order, 0);
        _order.AsSpan().Sort(_heavierFirst);
        foreach (int part in _order)
        {
            ReadOnlySpan<int> ranks = RanksOf(part);
            int best = 0;
            for (int i = 1; i < ranks.Length; i++)
            {
                best = _loads[ranks[i]] < _loads[ranks[best]] ? i : best;
            }

            _replicas[part] = best;
            _loads[ranks[best]] += _parts[part];
            _partsOn[ranks[best]].Add(part);
        }
    }

    /// <summary>Reassigns parts of the busiest worker while every worker involved ends below its present load.</summary>
    private void Improve()
    {
        // Each success lowers the highest load, or the number of workers that have it; the limit only guards against very many small gains.
        for (int round = 0; round < 2 * _parts.Length && ReassignFromBusiest(); round++)
        {
        }
    }

    private bool ReassignFromBusiest()
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

                long highest = Math.Max(left, _loads[rank] + _parts[part]);
                if (highest < best)
                {
                    (best, choice) = (highest, (part, i, -1, 0));
                }

                TryPassingOn(busiest, part, i, left, ref best, ref choice);
            }
        }

        if (choice.Part < 0)
        {
            return false;
        }

        Reassign(choice.Part, choice.Replica);
        if (choice.Next >= 0)
        {
            Reassign(choice.Next, choice.NextReplica);
        }

        return true;
    }

    /// <summary>A reassignment of two parts: <paramref name="part"/> goes to another worker, one of whose parts goes on to a third or back to the busiest.</summary>
    private void TryPassingOn(
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

                long highest = rank == busiest
                    ? Math.Max(left + _parts[next], middleLoad)
                    : Math.Max(Math.Max(left, middleLoad), _loads[rank] + _parts[next]);
                if (highest < best)
                {
                    (best, choice) = (highest, (part, replica, next, i));
                }
            }
        }
    }

    private void Reassign(int part, int replica)
    {
        ReadOnlySpan<int> ranks = RanksOf(part);
        int from = ranks[_replicas[part]], to = ranks[replica];
        _loads[from] -= _parts[part];
        _loads[to] += _parts[part];
        _partsOn[from].Remove(part);
        _partsOn[to].Add(part);
        _replicas[part] = replica;
    }

    private ReadOnlySpan<int> RanksOf(int part) => _placement.RanksOf(part / _microBatches);
}
