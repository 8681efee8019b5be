using MoEActors.Placement.Quotas;

namespace MoEActors.Placement.Planners;

/// <summary>
/// The load of every worker that one step's tokens cause on a draft, each expert's tokens split over its replicas by water-filling: a continuous
/// form of what <see cref="TokenQuotas"/> will do. Tokens are in units of the mean load of a worker. Keeps a journal, so that a trial can be undone exactly.
/// </summary>
internal sealed class BalancedLoad
{
    private readonly PlacementDraft _draft;
    private readonly double[] _tokens;
    private readonly double[] _quotas;
    private readonly double[] _loads;
    private Entry[] _journal = new Entry[256];
    private int _entries;
    private double _excessBefore;

    public BalancedLoad(PlacementDraft draft, double weight, long[] tokens)
    {
        _draft = draft;
        Weight = weight;
        long all = tokens.Sum();
        _tokens = new double[draft.Experts];
        _quotas = new double[draft.Slots];
        _loads = new double[draft.Workers];
        double scale = all == 0 ? 0 : (double)draft.Workers / all;
        for (int expert = 0; expert < draft.Experts; expert++)
        {
            _tokens[expert] = tokens[expert] * scale;
            foreach (int slot in draft.SlotsOf(expert))
            {
                _quotas[slot] = _tokens[expert] / draft.ReplicasOf(expert);
                _loads[draft.RankOf(slot)] += _quotas[slot];
            }
        }

        Excess = _loads.Sum(SquaredExcess);
    }

    /// <summary>What this step counts among the others.</summary>
    public double Weight { get; }

    /// <summary>Excess load: Σ over workers of (load − mean)², those below the mean counting 0. It is 0 in perfect balance.</summary>
    public double Excess { get; private set; }

    /// <summary>The busiest worker's load over the mean. O(workers).</summary>
    public double Ratio => Math.Max(1, _loads.Max());

    public double TokensOf(int expert) => _tokens[expert];

    public double LoadOf(int rank) => _loads[rank];

    public double QuotaIn(int slot) => _quotas[slot];

    /// <summary>Begins a trial: <see cref="TakeBack"/> returns to here.</summary>
    public void Begin()
    {
        _entries = 0;
        _excessBefore = Excess;
    }

    public void TakeBack()
    {
        while (_entries > 0)
        {
            ref Entry entry = ref _journal[--_entries];
            _quotas[entry.Slot] = entry.Quota;
            _loads[_draft.RankOf(entry.Slot)] = entry.Load;
        }

        Excess = _excessBefore;
    }

    /// <summary>Takes all tokens out of a slot; <see cref="Balance"/> must be called for the expert afterwards.</summary>
    public void Empty(int slot) => Set(slot, 0);

    /// <summary>
    /// Splits one expert's tokens over its replicas by water-filling, the quotas of all other experts being fixed. O(replicas · passes), few passes.
    /// </summary>
    public void Balance(int expert)
    {
        ReadOnlySpan<int> slots = _draft.SlotsOf(expert);
        if (slots.Length == 1)
        {
            Set(slots[0], _tokens[expert]);
            return;
        }

        // Replicas whose worker is below the level are filled up to it, the others get nothing. Start with all of them and leave out, pass by pass,
        // those whose worker has more without the expert than the level.
        double level = double.PositiveInfinity;
        int under = slots.Length, before;
        do
        {
            before = under;
            under = 0;
            double sum = _tokens[expert];
            foreach (int slot in slots)
            {
                double other = _loads[_draft.RankOf(slot)] - _quotas[slot];
                if (other < level)
                {
                    sum += other;
                    under++;
                }
            }

            level = under == 0 ? level : sum / under;
        }
        while (under < before && under > 0);

        foreach (int slot in slots)
        {
            double other = _loads[_draft.RankOf(slot)] - _quotas[slot];
            Set(slot, Math.Max(0, level - other));
        }
    }

    private void Set(int slot, double quota)
    {
        double change = quota - _quotas[slot];
        if (Math.Abs(change) < 1e-12)
        {
            return;
        }

        if (_entries == _journal.Length)
        {
            Array.Resize(ref _journal, 2 * _entries);
        }

        int rank = _draft.RankOf(slot);
        double load = _loads[rank];
        _journal[_entries++] = new Entry(slot, _quotas[slot], load);
        _quotas[slot] = quota;
        _loads[rank] = load + change;
        Excess += SquaredExcess(load + change) - SquaredExcess(load);
    }

    private static double SquaredExcess(double load) => load <= 1 ? 0 : (load - 1) * (load - 1);

    private readonly record struct Entry(int Slot, double Quota, double Load);
}
