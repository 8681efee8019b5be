using System.Collections.Immutable;

namespace MoEActors.Placement.Planners;

/// <summary>Finds the change of a draft that removes the most excess load per move.</summary>
internal sealed class ChangeSearch(PlacementDraft draft, ImmutableArray<BalancedLoad> steps, DraftTrial trial, ImmutableHashSet<int> resting)
{
    /// <summary>Busiest workers that an expert may leave, idlest workers that it may go to, and experts tried, for one change.</summary>
    private const int Donors = 4, Takers = 4, Candidates = 6;

    /// <summary>Changes that are tried on all steps.</summary>
    private const int Finalists = 12;

    /// <summary>Workers whose load is this close to the highest count as equally busy: replicas that they share have balanced them.</summary>
    private const double Tie = 0.02;

    private readonly double[] _loads = new double[draft.Workers];
    private readonly int[] _busiest = new int[Math.Min(Donors, draft.Workers)];
    private readonly int[] _idlest = new int[Math.Min(Takers, draft.Workers)];
    private readonly List<(SlotChange Change, double Gain)> _promising = [];

    /// <summary>The best change, or null when none lowers the excess by the given part of it.</summary>
    public SlotChange? Find(double leastProgress)
    {
        SortWorkers();
        _promising.Clear();
        foreach ((int expert, int left) in Hot())
        {
            foreach (int taker in _idlest)
            {
                if (!draft.Holds(expert, taker) && !Screen(expert, left, taker))
                {
                    MakeRoom(expert, taker);
                }
            }
        }

        // What looks best on the newest step is tried on all of them.
        double excess = trial.Excess(steps.Length);
        double best = excess * leastProgress;
        SlotChange? found = null;
        _promising.Sort((left, right) => right.Gain.CompareTo(left.Gain));
        foreach ((SlotChange change, double _) in _promising.Take(Finalists))
        {
            double gain = (excess - trial.ExcessAfter(change, steps.Length)) / change.Moves;
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
        BalancedLoad newest = steps[0];
        int giver = draft.RankOf(left);
        double ideal = (newest.LoadOf(giver) - newest.LoadOf(taker)) / 2;
        (double Misfit, int Slot) first = (double.PositiveInfinity, -1), second = first;
        bool triedFree = false, room = false;
        (int slot, int end) = draft.SlotsOn(taker);
        for (; slot < end; slot++)
        {
            int occupant = draft.ExpertIn(slot);
            if (occupant < 0 ? triedFree : resting.Contains(occupant))
            {
                continue;
            }

            triedFree |= occupant < 0;
            if (occupant < 0 || draft.ReplicasOf(occupant) > 1)
            {
                Try(new SlotChange(expert, slot));
                room = true;
            }

            if (occupant >= 0 && !draft.Holds(occupant, giver))
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
        (int slot, int end) = draft.SlotsOn(taker);
        (int Slot, double Tokens) coldest = (-1, double.PositiveInfinity);
        for (; slot < end; slot++)
        {
            int occupant = draft.ExpertIn(slot);
            if (!resting.Contains(occupant) && steps[0].TokensOf(occupant) < coldest.Tokens)
            {
                coldest = (slot, steps[0].TokensOf(occupant));
            }
        }

        if (coldest.Slot >= 0 && RoomFor(draft.ExpertIn(coldest.Slot), expert) is >= 0 and int room)
        {
            Try(new SlotChange(expert, coldest.Slot, room));
        }
    }

    /// <summary>The slot, free or of a replica, where an expert would displace the fewest tokens; −1 when there is none.</summary>
    /// <param name="expert">The expert.</param>
    /// <param name="kept">An expert whose replicas all stay.</param>
    private int RoomFor(int expert, int kept)
    {
        BalancedLoad newest = steps[0];
        (int Slot, double Aside) best = (-1, double.PositiveInfinity);
        for (int slot = 0; slot < draft.Slots; slot++)
        {
            int occupant = draft.ExpertIn(slot), rank = draft.RankOf(slot);
            if (occupant < 0 || (draft.ReplicasOf(occupant) > 1 && occupant != kept && !resting.Contains(occupant)))
            {
                double quota = occupant < 0 ? 0 : newest.QuotaIn(slot);
                double aside = quota + Math.Max(0, newest.LoadOf(rank) - quota + newest.TokensOf(expert) - 1);
                if (aside < best.Aside && !draft.Holds(expert, rank))
                {
                    best = (slot, aside);
                }
            }
        }

        return best.Slot;
    }

    private void Try(SlotChange change) =>
        _promising.Add((change, (trial.Excess(1) - trial.ExcessAfter(change, 1)) / change.Moves));

    private void SortWorkers()
    {
        Array.Clear(_loads);
        double weights = steps.Sum(step => step.Weight);
        foreach (BalancedLoad step in steps)
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
            (int first, int end) = draft.SlotsOn(rank);
            for (int slot = first; slot < end; slot++)
            {
                int expert = draft.ExpertIn(slot);
                if (expert >= 0 && !resting.Contains(expert))
                {
                    double share = steps.Sum(step => step.Weight * step.QuotaIn(slot));
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
