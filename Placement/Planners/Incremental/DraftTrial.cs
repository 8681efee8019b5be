using System.Collections.Immutable;

namespace MoEActors.Placement.Planners.Incremental;

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

    /// <summary>Experts poured so far: the measure of effort.</summary>
    public int Pours { get; private set; }

    /// <summary>Weighted mean of the steps' strain.</summary>
    public double Strain => Mean(step => step.Strain);

    /// <summary>Weighted mean of the steps' balance ratio. O(steps · workers).</summary>
    public double Ratio => Mean(step => step.Ratio);

    /// <summary>The strain after a change, which is then taken back.</summary>
    public double StrainAfter(SlotChange change)
    {
        int displaced = _draft.ExpertIn(change.Slot);
        foreach (LevelledLoad step in _steps)
        {
            step.Begin();
        }

        Apply(change, displaced);
        double strain = Strain;
        _draft.Clear(change.Slot);
        if (change.Left >= 0)
        {
            _draft.Clear(change.Left);
            _draft.Put(change.Expert, change.Left);
        }

        if (displaced >= 0)
        {
            _draft.Put(displaced, change.Slot);
        }

        foreach (LevelledLoad step in _steps)
        {
            step.TakeBack();
        }

        return strain;
    }

    /// <summary>Makes a change and levels everything again.</summary>
    public void Commit(SlotChange change)
    {
        foreach (LevelledLoad step in _steps)
        {
            step.Begin();
        }

        Apply(change, _draft.ExpertIn(change.Slot));
        Level();
    }

    private void Apply(SlotChange change, int displaced)
    {
        if (displaced >= 0)
        {
            Empty(change.Slot);
        }

        if (change.Left >= 0)
        {
            Empty(change.Left);
            _draft.Put(displaced, change.Left);
        }

        _draft.Put(change.Expert, change.Slot);
        foreach (LevelledLoad step in _steps)
        {
            Pour(step, change.Expert);
            if (displaced >= 0)
            {
                Pour(step, displaced);
            }

            // Whoever shares a worker with the changed experts can now give or take.
            PourNeighbours(step, change.Expert);
            if (displaced >= 0)
            {
                PourNeighbours(step, displaced);
            }
        }
    }

    private void Empty(int slot)
    {
        foreach (LevelledLoad step in _steps)
        {
            step.Empty(slot);
        }

        _draft.Clear(slot);
    }

    private void PourNeighbours(LevelledLoad step, int expert)
    {
        foreach (int own in _draft.SlotsOf(expert))
        {
            (int first, int end) = _draft.SlotsOn(_draft.RankOf(own));
            for (int slot = first; slot < end; slot++)
            {
                int neighbour = _draft.ExpertIn(slot);
                if (neighbour >= 0 && neighbour != expert && _draft.ReplicasOf(neighbour) > 1)
                {
                    Pour(step, neighbour);
                }
            }
        }

        Pour(step, expert);
    }

    private void Level()
    {
        const int Sweeps = 4;
        foreach (LevelledLoad step in _steps)
        {
            double before = double.PositiveInfinity;
            for (int sweep = 0; sweep < Sweeps && step.Strain < before * 0.999; sweep++)
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
        Pours++;
    }

    private double Mean(Func<LevelledLoad, double> value)
    {
        double sum = 0, weights = 0;
        foreach (LevelledLoad step in _steps)
        {
            sum += step.Weight * value(step);
            weights += step.Weight;
        }

        return sum / weights;
    }
}
