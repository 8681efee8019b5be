using System.Collections.Immutable;

namespace MoEActors.Placement.Planners.Incremental;

/// <summary>Finds the change of a draft that takes the most strain away per move.</summary>
internal sealed class ChangeSearch
{
    /// <summary>Workers that give, workers that take, and experts tried, in one change.</summary>
    private const int Donors = 4, Takers = 4, Candidates = 6;

    /// <summary>Workers this close to the busiest are as busy: water has found its level among them.</summary>
    private const double Level = 0.02;

    private readonly PlacementDraft _draft;
    private readonly ImmutableArray<LevelledLoad> _steps;
    private readonly DraftTrial _trial;
    private readonly ImmutableHashSet<int> _resting;
    private readonly double[] _loads;
    private readonly int[] _busiestFirst;

    public ChangeSearch(PlacementDraft draft, ImmutableArray<LevelledLoad> steps, DraftTrial trial, ImmutableHashSet<int> resting)
    {
        _draft = draft;
        _steps = steps;
        _trial = trial;
        _resting = resting;
        _loads = new double[draft.Workers];
        _busiestFirst = new int[draft.Workers];
    }

    /// <summary>The best change, or null when none lowers the strain by the given part of it.</summary>
    public SlotChange? Find(double leastProgress)
    {
        SortWorkers();
        double strain = _trial.Strain;
        double best = strain * leastProgress;
        SlotChange? found = null;
        foreach ((int expert, int left) in Hot())
        {
            for (int i = _busiestFirst.Length - 1; i >= Math.Max(0, _busiestFirst.Length - Takers); i--)
            {
                int taker = _busiestFirst[i];
                if (_draft.Holds(expert, taker))
                {
                    continue;
                }

                (int first, int end) = _draft.SlotsOn(taker);
                bool triedFree = false;
                for (int slot = first; slot < end; slot++)
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
                    }

                    if (occupant >= 0 && !_draft.Holds(occupant, _draft.RankOf(left)))
                    {
                        Try(new SlotChange(expert, slot, left));
                    }
                }
            }
        }

        return found;

        void Try(SlotChange change)
        {
            double gain = (strain - _trial.StrainAfter(change)) / change.Moves;
            if (gain > best)
            {
                (best, found) = (gain, change);
            }
        }
    }

    private void SortWorkers()
    {
        Array.Clear(_loads);
        double weights = 0;
        foreach (LevelledLoad step in _steps)
        {
            weights += step.Weight;
            for (int rank = 0; rank < _loads.Length; rank++)
            {
                _loads[rank] += step.Weight * step.LoadOf(rank);
            }
        }

        double[] keys = new double[_loads.Length];
        for (int rank = 0; rank < _loads.Length; rank++)
        {
            _loads[rank] /= weights;
            keys[rank] = -_loads[rank];
            _busiestFirst[rank] = rank;
        }

        Array.Sort(keys, _busiestFirst);
    }

    /// <summary>The heaviest experts on the busiest workers, each with the slot that it would leave.</summary>
    private IEnumerable<(int Expert, int Left)> Hot()
    {
        double top = _loads[_busiestFirst[0]];
        Dictionary<int, (double Share, int Slot)> shares = [];
        foreach (int rank in _busiestFirst.Take(Donors).TakeWhile(rank => _loads[rank] >= top - Level))
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
