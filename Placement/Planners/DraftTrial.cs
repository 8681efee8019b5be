using System.Collections.Immutable;

namespace MoEActors.Placement.Planners;

/// <summary>Tries changes of a draft under the load of several recent steps at once.</summary>
internal sealed class DraftTrial
{
    private readonly PlacementDraft _draft;
    private readonly ImmutableArray<LevelledLoad> _steps;

    public DraftTrial(PlacementDraft draft, ImmutableArray<LevelledLoad> steps)
    {
        _draft = draft;
        _steps = steps;
        Level();
    }

    /// <summary>Replicas poured over so far: the measure of effort.</summary>
    public int Effort { get; private set; }

    /// <summary>Weighted mean of the strain of the newest steps.</summary>
    public double Strain(int newest)
    {
        double sum = 0, weights = 0;
        foreach (LevelledLoad step in _steps.AsSpan()[..newest])
        {
            sum += step.Weight * step.Strain;
            weights += step.Weight;
        }

        return sum / weights;
    }

    /// <summary>Weighted mean of the steps' balance ratio. O(steps · workers).</summary>
    public double Ratio => _steps.Sum(step => step.Weight * step.Ratio) / _steps.Sum(step => step.Weight);

    /// <summary>The strain of the newest steps after a change, which is then taken back.</summary>
    public double StrainAfter(SlotChange change, int newest)
    {
        (int Displaced, int Yielding) before = Apply(change, newest);
        double strain = Strain(newest);
        _draft.Undo(change, before);
        foreach (LevelledLoad step in _steps.AsSpan()[..newest])
        {
            step.TakeBack();
        }

        return strain;
    }

    /// <summary>Makes a change and levels everything again.</summary>
    public void Commit(SlotChange change)
    {
        Apply(change, _steps.Length);
        Level();
    }

    private (int Displaced, int Yielding) Apply(SlotChange change, int newest)
    {
        ReadOnlySpan<LevelledLoad> steps = _steps.AsSpan()[..newest];
        foreach (LevelledLoad step in steps)
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
        foreach (LevelledLoad step in steps)
        {
            if (before.Yielding >= 0 && before.Yielding != change.Expert)
            {
                Pour(step, before.Yielding);
            }

            Pour(step, change.Expert);
            if (before.Displaced >= 0)
            {
                Pour(step, before.Displaced);
            }

            // Whoever shares a worker with the changed experts can now give or take.
            PourNeighbours(step, change.Expert, change.Slot);
            if (before.Displaced >= 0)
            {
                PourNeighbours(step, before.Displaced, change.DisplacedTo);
            }
        }

        return before;
    }

    /// <summary>Levels the experts beside an expert's replicas; beside the new one only where there are many and each feels little.</summary>
    private void PourNeighbours(LevelledLoad step, int expert, int newest)
    {
        const int Many = 8;
        if (_draft.ReplicasOf(expert) <= Many)
        {
            foreach (int slot in _draft.SlotsOf(expert))
            {
                PourOn(step, _draft.RankOf(slot), expert);
            }
        }
        else if (newest >= 0)
        {
            PourOn(step, _draft.RankOf(newest), expert);
        }

        Pour(step, expert);
    }

    private void PourOn(LevelledLoad step, int rank, int except)
    {
        (int first, int end) = _draft.SlotsOn(rank);
        for (int slot = first; slot < end; slot++)
        {
            int neighbour = _draft.ExpertIn(slot);
            if (neighbour >= 0 && neighbour != except && _draft.ReplicasOf(neighbour) > 1)
            {
                Pour(step, neighbour);
            }
        }
    }

    private void Level()
    {
        const int Sweeps = 4;
        const double Progress = 0.98;
        foreach (LevelledLoad step in _steps)
        {
            double before = double.PositiveInfinity;
            for (int sweep = 0; sweep < Sweeps && step.Strain < before * Progress; sweep++)
            {
                before = step.Strain;
                step.Begin();
                for (int expert = 0; expert < _draft.Experts; expert++)
                {
                    if (_draft.ReplicasOf(expert) > 1)
                    {
                        Pour(step, expert);
                    }
                }
            }
        }
    }

    private void Pour(LevelledLoad step, int expert)
    {
        step.Pour(expert);
        Effort += _draft.ReplicasOf(expert);
    }
}
