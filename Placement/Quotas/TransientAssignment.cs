using MoEActors.Placement.Map;

namespace MoEActors.Placement.Quotas;

/// <summary>
/// Which worker serves which segment of a round, where copies of experts may live for one pass. A segment is all that one source has for one
/// expert, and is never divided. Repeatedly and without allocation: what workers run in every round. Not thread-safe.
/// <para>
/// It starts from what the placement gives (<see cref="MicroBatchAssignment"/>). Then the busiest worker hands segments of one of its experts
/// to another worker, the worker's own ones first, as long as all workers involved end below its present time, with what the copy costs
/// them counted in, and the rows that it hands over take longer than the copy. Integers only, so that every worker that has the
/// same counts has the same answer. O(rounds · segments of a worker · candidates).
/// </para>
/// Source: least-loaded expert parallelism (LLEP, arXiv 2601.17111), which spills rows and weights to idle workers; here whole segments spill, so that sums keep their order.
/// </summary>
public sealed class TransientAssignment
{
    /// <summary>The server of a segment without rows.</summary>
    public const int None = -1;

    /// <summary>Least busy workers that segments are offered to, beside those that have the expert already.</summary>
    private const int Candidates = 8;

    /// <summary>A hand-over must lower the busiest worker's time by one part of so many; where no worker is further above the mean, nothing is done.</summary>
    private const int Precision = 512, Tolerance = 256;

    /// <summary>Workers are filled up to the mean and one part of so many of it, as long as that brings anything.</summary>
    private const int Margin = 64;

    /// <summary>
    /// A hand-over counts as if it ended later by one part of so many of what its copy costs an end, so that of two that level alike the one with fewer copies is made.
    /// </summary>
    private const int CopyWeight = 2;

    private readonly LayerPlacement _placement;
    private readonly CopyCoefficients _costs;
    private readonly MicroBatchAssignment _start;
    private readonly int _sources;

    // By expert, then source.
    private readonly long[] _rows;
    private readonly int[] _servers;

    // By expert: its sources, the largest segment first.
    private readonly int[] _bySize;
    private readonly long[] _keys;

    // By expert, then worker: segments that it serves.
    private readonly int[] _served;
    private readonly long[] _times;
    private readonly int[] _copies;
    private readonly int[] _idlest;

    /// <summary>Allocates the buffers for a placement.</summary>
    /// <param name="placement">Where the experts are; replica 0 is an expert's home.</param>
    /// <param name="costs">What copies cost and save.</param>
    public TransientAssignment(LayerPlacement placement, CopyCoefficients costs)
    {
        _placement = placement;
        _costs = costs;
        _sources = placement.Workers;
        _start = new MicroBatchAssignment(placement, _sources);
        _rows = new long[placement.Experts * _sources];
        _servers = new int[_rows.Length];
        _bySize = new int[_rows.Length];
        _keys = new long[_sources];
        _served = new int[placement.Experts * placement.Workers];
        _times = new long[placement.Workers];
        _copies = new int[placement.Workers];
        _idlest = new int[Math.Min(Candidates, placement.Workers)];
    }

    /// <summary>Copies of the last assignment: pairs of an expert and a worker that serves it without holding it.</summary>
    public int Copies { get; private set; }

    /// <summary>Gradients that travel home after the last assignment.</summary>
    public int Gradients { get; private set; }

    /// <summary>What every worker takes under the last assignment, copies included, in the coefficients' unit.</summary>
    public ReadOnlySpan<long> WorkerTimes => _times;

    /// <summary>Assigns the segments of a round.</summary>
    /// <param name="counts">By source, then expert: rows.</param>
    /// <returns>By expert, then source: the rank that serves the segment, <see cref="None"/> where it is empty; valid until the next call.</returns>
    /// <exception cref="PlacementException">There are not as many counts as sources times experts.</exception>
    public ReadOnlySpan<int> Assign(ReadOnlySpan<int> counts)
    {
        if (counts.Length != _rows.Length)
        {
            throw new PlacementException($"{counts.Length} counts were given for {_sources} sources and {_placement.Experts} experts.");
        }

        StartFromPlacement(counts);

        // Each success lowers the highest time, or the number of workers that have it; the limit only guards against very many small gains.
        for (int round = 0; round < 2 * _rows.Length; round++)
        {
            long mean = Mean();
            if (!HandOverFromBusiest(mean, mean + (mean / Margin)) && !HandOverFromBusiest(mean, long.MaxValue) && !PassOnFromBusiest(mean))
            {
                break;
            }
        }

        return _servers;
    }

    private void StartFromPlacement(ReadOnlySpan<int> counts)
    {
        Array.Clear(_served);
        Array.Clear(_times);
        Array.Clear(_copies);
        (Copies, Gradients) = (0, 0);
        for (int expert = 0; expert < _placement.Experts; expert++)
        {
            for (int source = 0; source < _sources; source++)
            {
                long rows = counts[(source * _placement.Experts) + expert];
                _rows[(expert * _sources) + source] = rows;
                _keys[source] = source - (rows * _sources);
                _bySize[(expert * _sources) + source] = source;
            }

            _keys.AsSpan().Sort(_bySize.AsSpan(expert * _sources, _sources));
        }

        ReadOnlySpan<int> replicas = _start.Assign(_rows);
        for (int segment = 0; segment < _rows.Length; segment++)
        {
            int expert = segment / _sources;
            _servers[segment] = None;
            if (_rows[segment] > 0)
            {
                Give(segment, _placement.RanksOf(expert)[replicas[segment]]);
            }
        }
    }

    /// <param name="mean">The mean time of all workers.</param>
    /// <param name="level">Time up to which a worker may be filled: who is filled beyond the mean would have to hand over in turn, which takes a copy more.</param>
    private bool HandOverFromBusiest(long mean, long level)
    {
        int busiest = Array.IndexOf(_times, _times.Max());
        long top = _times[busiest];
        if (top - (top / Tolerance) <= mean)
        {
            return false;
        }

        FindIdlest();
        long best = top - (top / Precision);
        (int expert, int target) = BestHandOver(busiest, level, ref best);
        if (expert == None)
        {
            return false;
        }

        HandOver(expert, busiest, target, level, apply: true);
        return true;
    }

    /// <summary>Gives one segment of the busiest worker to another one, which hands over others in its turn.</summary>
    private bool PassOnFromBusiest(long mean)
    {
        int busiest = Array.IndexOf(_times, _times.Max());
        long top = _times[busiest], best = top - (top / Precision);
        if (top - (top / Tolerance) <= mean)
        {
            return false;
        }

        FindIdlest();
        (int Segment, int Target, int Expert, int Next) choice = (None, None, None, None);
        for (int expert = 0; expert < _placement.Experts; expert++)
        {
            if (_served[(expert * _placement.Workers) + busiest] == 0)
            {
                continue;
            }

            foreach (int target in _idlest)
            {
                Consider(expert, target);
            }
        }

        if (choice.Segment == None)
        {
            return false;
        }

        Move(choice.Segment, choice.Target);
        HandOver(choice.Expert, choice.Target, choice.Next, long.MaxValue, apply: true);
        return true;

        void Consider(int expert, int target)
        {
            if (target == busiest || (!_placement.Holds(expert, target) && _copies[target] >= _costs.MostCopies))
            {
                return;
            }

            int segment = FirstOf(expert, busiest, target), home = _placement.RanksOf(expert)[0];
            Move(segment, target);
            long highest = Math.Max(_times[busiest], home == target ? 0 : _times[home]);
            if (highest < best)
            {
                long next = best;
                (int other, int third) = BestHandOver(target, long.MaxValue, ref next);
                if (other != None)
                {
                    (best, choice) = (Math.Max(highest, next), (segment, target, other, third));
                }
            }

            Move(segment, busiest);
        }
    }

    /// <summary>The hand-over of a worker after which the highest time of those involved is least, and that time.</summary>
    private (int Expert, int Target) BestHandOver(int from, long level, ref long best)
    {
        (int Expert, int Target) choice = (None, None);
        for (int expert = 0; expert < _placement.Experts; expert++)
        {
            if (_served[(expert * _placement.Workers) + from] == 0)
            {
                continue;
            }

            foreach (int target in _idlest)
            {
                if (target != from && HandOver(expert, from, target, level, apply: false) is var highest && highest < best)
                {
                    (best, choice) = (highest, (expert, target));
                }
            }

            foreach (int target in _placement.RanksOf(expert))
            {
                if (target != from && HandOver(expert, from, target, level, apply: false) is var highest && highest < best)
                {
                    (best, choice) = (highest, (expert, target));
                }
            }
        }

        return choice;
    }

    /// <summary>The segment of an expert that one worker would give another first: the other's own, else the largest.</summary>
    private int FirstOf(int expert, int from, int to)
    {
        int first = expert * _sources;
        if (_servers[first + to] == from)
        {
            return first + to;
        }

        int next = first;
        while (_servers[first + _bySize[next]] != from)
        {
            next++;
        }

        return first + _bySize[next];
    }

    private void Move(int segment, int rank)
    {
        Take(segment);
        Give(segment, rank);
    }

    /// <summary>
    /// Hands segments of an expert from one worker to another, those of the other's own first, then the largest that still lower the highest time of the
    /// workers involved.
    /// </summary>
    /// <returns>That highest time; <see cref="long.MaxValue"/> where no segment may go or none pays.</returns>
    private long HandOver(int expert, int from, int to, long level, bool apply)
    {
        int home = _placement.RanksOf(expert)[0];
        bool fromCopies = !_placement.Holds(expert, from), toCopies = !_placement.Holds(expert, to);
        int left = _served[(expert * _placement.Workers) + from], there = _served[(expert * _placement.Workers) + to];
        if (toCopies && there == 0 && _copies[to] >= _costs.MostCopies)
        {
            return long.MaxValue;
        }

        long top = _times[from], highest = top, fromTime = top, toTime = _times[to], homeTime = _times[home], homeMore = 0, relief = 0, price = 0;
        for (int next = -1; next < _sources; next++)
        {
            // The target's own segment comes first, and not again.
            int source = next < 0 ? to : _bySize[(expert * _sources) + next];
            if ((next >= 0 && source == to) || _servers[(expert * _sources) + source] != from)
            {
                continue;
            }

            long rows = _rows[(expert * _sources) + source];
            long added = toCopies ? CopyTime(isFirst: there == 0) : 0, freed = fromCopies ? CopyTime(isFirst: left == 1) : 0;
            long more = homeMore + added - freed;
            long newFrom = fromTime - RowTime(rows, source, from) - freed + (home == from ? added - freed : 0);
            long newTo = toTime + RowTime(rows, source, to) + added + (home == to ? added - freed : 0);
            long newHome = home != from && home != to && more > 0 ? homeTime + more : 0;
            long newHighest = Math.Max(newFrom, Math.Max(newTo, newHome));
            if (newTo > level || Math.Max(newTo, newHome) >= top || (newTo > newFrom && newHighest >= highest))
            {
                continue;
            }

            (highest, fromTime, toTime, homeMore) = (newHighest, newFrom, newTo, more);
            relief += RowTime(rows, source, from);
            price += added;
            left--;
            there++;
            if (apply)
            {
                Move((expert * _sources) + source, to);
            }
        }

        return relief > price ? highest + (Math.Max(0, homeMore) / CopyWeight) : long.MaxValue;
    }

    private void Give(int segment, int rank)
    {
        int expert = segment / _sources, source = segment % _sources;
        _servers[segment] = rank;
        _times[rank] += RowTime(_rows[segment], source, rank);
        if (!_placement.Holds(expert, rank))
        {
            Copy(expert, rank, isFirst: _served[(expert * _placement.Workers) + rank] == 0, sign: 1);
        }

        _served[(expert * _placement.Workers) + rank]++;
    }

    private void Take(int segment)
    {
        int expert = segment / _sources, source = segment % _sources, rank = _servers[segment];
        _times[rank] -= RowTime(_rows[segment], source, rank);
        _served[(expert * _placement.Workers) + rank]--;
        if (!_placement.Holds(expert, rank))
        {
            Copy(expert, rank, isFirst: _served[(expert * _placement.Workers) + rank] == 0, sign: -1);
        }
    }

    /// <summary>Adds a segment to a copy, or takes one from it.</summary>
    private void Copy(int expert, int rank, bool isFirst, int sign)
    {
        long time = sign * CopyTime(isFirst);
        _times[rank] += time;
        _times[_placement.RanksOf(expert)[0]] += time;
        _copies[rank] += isFirst ? sign : 0;
        Copies += isFirst ? sign : 0;
        Gradients += isFirst || _costs.GradientPerSegment ? sign : 0;
    }

    /// <summary>What a segment on a copy costs each end, beside its rows.</summary>
    private long CopyTime(bool isFirst) =>
        (isFirst ? _costs.Weights + _costs.Latency : 0) + (isFirst || _costs.GradientPerSegment ? _costs.Gradient : 0);

    private long RowTime(long rows, int source, int rank) => rows * (_costs.Row + (source == rank ? 0 : _costs.RowExchange));

    private long Mean()
    {
        long sum = 0;
        foreach (long time in _times)
        {
            sum += time;
        }

        return sum / _times.Length;
    }

    /// <summary>The least busy workers, lower ranks first among equals. O(workers · wanted).</summary>
    private void FindIdlest()
    {
        int count = 0;
        for (int rank = 0; rank < _times.Length; rank++)
        {
            int place = count;
            while (place > 0 && _times[_idlest[place - 1]] > _times[rank])
            {
                place--;
            }

            if (place < _idlest.Length)
            {
                count = Math.Min(count + 1, _idlest.Length);
                _idlest.AsSpan(place, count - 1 - place).CopyTo(_idlest.AsSpan(place + 1));
                _idlest[place] = rank;
            }
        }
    }
}
