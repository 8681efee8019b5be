using System.Collections.Immutable;

namespace MoEActors.Placement.Planners;

/// <summary>Tries changes of a draft under the load of several recent steps at once.</summary>
internal sealed class DraftTrial
{
    private readonly PlacementDraft _draft;
    private readonly ImmutableArray<BalancedLoad> _steps;

    public DraftTrial(PlacementDraft draft, ImmutableArray<BalancedLoad> steps)
    {
        _draft = draft;
        _steps = steps;
        BalanceAll();
    }

    /// <summary>Replicas whose quotas have been computed so far: the measure of effort.</summary>
    public int Effort { get; private set; }

    /// <summary>Weighted mean of the excess of the newest steps.</summary>
    public double Excess(int newest)
    {
        double sum = 0, weights = 0;
        foreach (BalancedLoad step in _steps.AsSpan()[..newest])
        {
            sum += step.Weight * step.Excess;
            weights += step.Weight;
        }

        return sum / weights;
    }

    /// <summary>Weighted mean of the steps' balance ratio. O(steps · workers).</summary>
    public double Ratio => _steps.Sum(step => step.Weight * step.Ratio) / _steps.Sum(step => step.Weight);

    /// <summary>The excess of the newest steps after a change, which is then undone.</summary>
    public double ExcessAfter(SlotChange change, int newest)
    {
        (int Displaced, int Yielding) before = Apply(change, newest);
        double excess = Excess(newest);
        _draft.Undo(change, before);
        foreach (BalancedLoad step in _steps.AsSpan()[..newest])
        {
            step.TakeBack();
        }

        return excess;
    }

    /// <summary>Makes a change and balances all experts again.</summary>
    public void Commit(SlotChange change)
    {
        Apply(change, _steps.Length);
        BalanceAll();
    }

    private (int Displaced, int Yielding) Apply(SlotChange change, int newest)
    {
        ReadOnlySpan<BalancedLoad> steps = _steps.AsSpan()[..newest];
        foreach (BalancedLoad step in steps)
        {
            step.Begin();
            if (_draft.ExpertIn(change.Slot) >= 0)
            {
                step.Empty(change.Slot);
            }

            if (change.DisplacedTo >= 0 && _draft.ExpertIn(change.DisplacedTo) >= 0)
            {
                step.Empty(change.DisplacedTo);
            }
        }

        (int Displaced, int Yielding) before = _draft.Make(change);
        foreach (BalancedLoad step in steps)
        {
            if (before.Yielding >= 0 && before.Yielding != change.Expert)
            {
                Balance(step, before.Yielding);
            }

            Balance(step, change.Expert);
            if (before.Displaced >= 0)
            {
                Balance(step, before.Displaced);
            }

            // The experts that share a worker with the changed ones may now be served better by another of their replicas.
            BalanceNeighbours(step, change.Expert, change.Slot);
            if (before.Displaced >= 0)
            {
                BalanceNeighbours(step, before.Displaced, change.DisplacedTo);
            }
        }

        return before;
    }

    /// <summary>
    /// Balances the experts on the workers of an expert's replicas; with many replicas, each of which changes little, only on the worker of the
    /// new one.
    /// </summary>
    private void BalanceNeighbours(BalancedLoad step, int expert, int newest)
    {
        const int Many = 8;
        if (_draft.ReplicasOf(expert) <= Many)
        {
            foreach (int slot in _draft.SlotsOf(expert))
            {
                BalanceOn(step, _draft.RankOf(slot), expert);
            }
        }
        else if (newest >= 0)
        {
            BalanceOn(step, _draft.RankOf(newest), expert);
        }

        Balance(step, expert);
    }

    private void BalanceOn(BalancedLoad step, int rank, int except)
    {
        (int first, int end) = _draft.SlotsOn(rank);
        for (int slot = first; slot < end; slot++)
        {
            int neighbour = _draft.ExpertIn(slot);
            if (neighbour >= 0 && neighbour != except && _draft.ReplicasOf(neighbour) > 1)
            {
                Balance(step, neighbour);
            }
        }
    }

    private void BalanceAll()
    {
        const int Sweeps = 4;
        const double Progress = 0.98;
        foreach (BalancedLoad step in _steps)
        {
            double before = double.PositiveInfinity;
            for (int sweep = 0; sweep < Sweeps && step.Excess < before * Progress; sweep++)
            {
                before = step.Excess;
                step.Begin();
                for (int expert = 0; expert < _draft.Experts; expert++)
                {
                    if (_draft.ReplicasOf(expert) > 1)
                    {
                        Balance(step, expert);
                    }
                }
            }
        }
    }

    private void Balance(BalancedLoad step, int expert)
    {
        step.Balance(expert);
        Effort += _draft.ReplicasOf(expert);
    }
}
