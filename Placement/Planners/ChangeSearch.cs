using System.Collections.Immutable;

namespace MoEActors.Placement.Planners;

/// <summary>Finds the change of a draft that removes the most excess load per move.</summary>
internal sealed class ChangeSearch
{
    /// <summary>Busiest workers that an expert may leave, idlest workers that it may go to, and experts tried, for one change.</summary>
    private const int Donors = 4, Takers = 4, Candidates = 6;

    /// <summary>Changes that are tried on all steps.</summary>
    private const int Finalists = 12;

    /// <summary>Workers whose load is this close to the highest count as equally busy: replicas that they share have balanced them.</summary>
    private const double Tie = 0.02;

    private readonly PlacementDraft _draft;
    private readonly ImmutableArray<BalancedLoad> _steps;
    private readonly DraftTrial _trial;
    private readonly ImmutableHashSet<int> _resting;
    private readonly double[] _loads;
    private readonly int[] _busiest;
    private readonly int[] _idlest;
    private readonly List<(SlotChange Change, double Gain)> _promising = [];

    public ChangeSearch(PlacementDraft draft, ImmutableArray<BalancedLoad> steps, DraftTrial trial, ImmutableHashSet<int> resting)
    {
        _draft = draft;
        _steps = steps;
        _trial = trial;
        _resting = resting;
        _loads = new double[draft.Workers];
        _busiest = new int[Math.Min(Donors, draft.Workers)];
        _idlest = new int[Math.Min(Takers, draft.Workers)];
    }

    /// <summary>The best change, or null when none lowers the excess by the given part of it.</summary>
    public SlotChange? Find(double leastProgress)
    {
        SortWorkers();
        _promising.Clear();
        foreach ((int expert, int left) in Hot())
        {
            foreach (int taker in _idlest)
            {
                if (!_draft.Holds(expert, taker) && !Screen(expert, left, taker))
                {
                    MakeRoom(expert, taker);
                }
            }
        }

        // What looks best on the newest step is tried on all of them.
        double excess = _trial.Excess(_steps.Length);
        double best = excess * leastProgress;
        SlotChange? found = null;
        _promising.Sort((left, right) => right.Gain.CompareTo(left.Gain));
        foreach ((SlotChange change, double _) in _promising.Take(Finalists))
        {
            double gain = (excess - _trial.ExcessAfter(change, _steps.Length)) / change.Moves;
            if (gain > best)
            {
                (best, found) = (gain, change);
            }
        }

        return found;
    }

    /// <summary>
    /// Tries an expert on a worker, on the newest step: in a free slot, in place of replicas, and in exchange for the two experts whose
    /// difference comes closest to giving both workers the same load.
    /// </summary>
    /// <returns>Whether the worker had room for one replica more.</returns>
    private bool Screen(int expert, int left, int taker)
    {
        BalancedLoad newest = _steps[0];
        int giver = _draft.RankOf(left);
        double ideal = (newest.LoadOf(giver) - newest.LoadOf(taker)) / 2;
        (double Misfit, int Slot) first = (double.PositiveInfinity, -1), second = first;
        bool triedFree = false, room = false;
        (int slot, int end) = _draft.SlotsOn(taker);
        for (; slot < end; slot++)
        {
            int occupant = _draft.ExpertIn(slot);
            if (occupant < 0 ? triedFree : _resting.Contains(occupant))
            {
                continue;
            }

            triedFree |= occupant < 0;
            if (occupant < 0 || _draft.ReplicasOf(occupant) > 1)
            {
                Try(new SlotChange(expert, slot));
                room = true;
            }

            if (occupant >= 0 && !_draft.Holds(occupant, giver))
            {
                double misfit = Math.Abs(newest.QuotaIn(left) - newest.QuotaIn(slot) - ideal);
                if (misfit < first.Misfit)
                {
                    (first, second) = ((misfit, slot), first);
                }
                else if (misfit < second.Misfit)
                {
                    second = (misfit, slot);
                }
            }
        }

        if (first.Slot >= 0)
        {
            Try(new SlotChange(expert, first.Slot, left));
        }

        if (second.Slot >= 0)
        {
            Try(new SlotChange(expert, second.Slot, left));
        }

        return room;
    }

    /// <summary>Tries an expert on a worker without room, on the newest step: the worker's coldest expert goes elsewhere.</summary>
    private void MakeRoom(int expert, int taker)
    {
        (int slot, int end) = _draft.SlotsOn(taker);
        (int Slot, double Tokens) coldest = (-1, double.PositiveInfinity);
        for (; slot < end; slot++)
        {
            int occupant = _draft.ExpertIn(slot);
            if (!_resting.Contains(occupant) && _steps[0].TokensOf(occupant) < coldest.Tokens)
            {
                coldest = (slot, _steps[0].TokensOf(occupant));
            }
        }

        if (coldest.Slot >= 0 && RoomFor(_draft.ExpertIn(coldest.Slot), expert) is >= 0 and int room)
        {
            Try(new SlotChange(expert, coldest.Slot, room));
        }
    }

    /// <summary>The slot, free or of a replica, where an expert would displace the fewest tokens; −1 when there is none.</summary>
    /// <param name="expert">The expert.</param>
    /// <param name="kept">An expert whose replicas all stay.</param>
    private int RoomFor(int expert, int kept)
    {
        BalancedLoad newest = _steps[0];
        (int Slot, double Aside) best = (-1, double.PositiveInfinity);
        for (int slot = 0; slot < _draft.Slots; slot++)
        {
            int occupant = _draft.ExpertIn(slot), rank = _draft.RankOf(slot);
            if (occupant < 0 || (_draft.ReplicasOf(occupant) > 1 && occupant != kept && !_resting.Contains(occupant)))
            {
                double quota = occupant < 0 ? 0 : newest.QuotaIn(slot);
                double aside = quota + Math.Max(0, newest.LoadOf(rank) - quota + newest.TokensOf(expert) - 1);
                if (aside < best.Aside && !_draft.Holds(expert, rank))
                {
                    best = (slot, aside);
                }
            }
        }

        return best.Slot;
    }

    private void Try(SlotChange change) =>
        _promising.Add((change, (_trial.Excess(1) - _trial.ExcessAfter(change, 1)) / change.Moves));

    private void SortWorkers()
    {
        Array.Clear(_loads);
        double weights = _steps.Sum(step => step.Weight);
        foreach (BalancedLoad step in _steps)
        {
            for (int rank = 0; rank < _loads.Length; rank++)
            {
                _loads[rank] += step.Weight / weights * step.LoadOf(rank);
            }
        }

        Select(_busiest, 1);
        Select(_idlest, -1);
    }

    /// <summary>The workers of the highest load times sign, highest first, lower ranks first among equals. O(workers · wanted).</summary>
    private void Select(int[] chosen, int sign)
    {
        int count = 0;
        for (int rank = 0; rank < _loads.Length; rank++)
        {
            int place = count;
            while (place > 0 && sign * _loads[chosen[place - 1]] < sign * _loads[rank])
            {
                place--;
            }

            if (place < chosen.Length)
            {
                count = Math.Min(count + 1, chosen.Length);
                chosen.AsSpan(place, count - 1 - place).CopyTo(chosen.AsSpan(place + 1));
                chosen[place] = rank;
            }
        }
    }

    /// <summary>The heaviest experts on the busiest workers, each with the slot that it would leave.</summary>
    private IEnumerable<(int Expert, int Left)> Hot()
    {
        double top = _loads[_busiest[0]];
        Dictionary<int, (double Share, int Slot)> shares = [];
        foreach (int rank in _busiest.TakeWhile(rank => _loads[rank] >= top - Tie))
        {
            (int first, int end) = _draft.SlotsOn(rank);
            for (int slot = first; slot < end; slot++)
            {
                int expert = _draft.ExpertIn(slot);
                if (expert >= 0 && !_resting.Contains(expert))
                {
                    double share = _steps.Sum(step => step.Weight * step.QuotaIn(slot));
                    if (share > shares.GetValueOrDefault(expert, (-1, 0)).Item1)
                    {
                        shares[expert] = (share, slot);
                    }
                }
            }
        }

        return shares.OrderByDescending(pair => pair.Value.Share).ThenBy(pair => pair.Key).Take(Candidates).Select(pair => (pair.Key, pair.Value.Slot));
    }
}
