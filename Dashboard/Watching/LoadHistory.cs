using MoEActors.Grains.Interfaces.Telemetry;
using MoEActors.Modules.Timing;
using MoEActors.Placement.Map;
using MoEActors.Placement.Quotas;

namespace MoEActors.Dashboard.Watching;

/// <summary>The load window: what the gates routed in the last steps.</summary>
internal sealed class LoadHistory
{
    /// <summary>Steps of the window; the director looks at as many.</summary>
    private const int Steps = 8;

    private readonly List<Entry> _window = [];

    /// <summary>Whether no step has been seen.</summary>
    public bool IsEmpty => _window.Count == 0;

    /// <summary>The first step of the window.</summary>
    public long From => _window[0].Note.Step;

    /// <summary>The last one.</summary>
    public long To => _window[^1].Note.Step;

    /// <summary>In rank order: where each worker's time went in the last step.</summary>
    public WorkerTiming[] Timings => IsEmpty ? [] : _window[^1].Note.Timings;

    /// <summary>Takes a step in.</summary>
    /// <param name="note">The step.</param>
    /// <param name="map">The placement in which it ran; null where that is not known.</param>
    /// <param name="quotas">How tokens are shared out among replicas.</param>
    /// <returns>By layer: its balance ratio; null for a dense layer, and for all where the placement is not known.</returns>
    public double?[] Add(StepLoadNote note, PlacementMap? map, IQuotaRule quotas)
    {
        if (_window.Count > 0 && (note.Step <= To || note.Kept.Length != _window[^1].Note.Kept.Length))
        {
            // The model has gone back, or is another one.
            _window.Clear();
        }

        var entry = new Entry(note);
        entry.Ratios = [.. note.Kept.Select((tokens, layer) => map is null || tokens.Length == 0 ? null : entry.Split(layer, map.PlacementOf(layer), quotas).BalanceRatio as double?)];
        _window.Add(entry);
        if (_window.Count > Steps)
        {
            _window.RemoveAt(0);
        }

        return entry.Ratios;
    }

    /// <summary>A layer's tokens, as a placement shares them out step by step.</summary>
    public LayerLoad Of(int layer, LayerPlacement placement, IQuotaRule quotas)
    {
        long[] tokens = new long[placement.Experts], chosen = new long[placement.Experts], shards = new long[placement.Shards], workers = new long[placement.Workers];
        foreach (Entry entry in _window)
        {
            Add(tokens, entry.Note.Kept[layer]);
            Add(chosen, (entry.Note.Chosen ?? entry.Note.Kept)[layer]);
            LayerQuotas split = entry.Split(layer, placement, quotas);
            Add(workers, split.WorkerTokens);
            for (int expert = 0; expert < placement.Experts; expert++)
            {
                Add(shards.AsSpan(placement.FirstShardOf(expert)), split.Of(expert));
            }
        }

        return new LayerLoad(
            tokens, chosen.Sum() - tokens.Sum(), [.. Enumerable.Range(0, chosen.Length).Where(expert => chosen[expert] == 0)], shards, workers,
            _window[^1].Ratios[layer], _window[^1].Note.RouterEntropy.ElementAtOrDefault(layer));
    }

    /// <summary>Copies of a layer's experts that were made for passes of the window's steps.</summary>
    public long CopiesIn(int layer) => _window.Sum(entry => (long)entry.Note.TransientCopies.ElementAtOrDefault(layer));

    private static void Add(Span<long> sum, ReadOnlySpan<long> more)
    {
        for (int i = 0; i < more.Length; i++)
        {
            sum[i] += more[i];
        }
    }

    /// <summary>A step, and how its tokens were shared out last time: most placements stay.</summary>
    private sealed class Entry(StepLoadNote note)
    {
        private readonly LayerQuotas?[] _splits = new LayerQuotas?[note.Kept.Length];

        public StepLoadNote Note { get; } = note;

        public double?[] Ratios { get; set; } = [];

        public LayerQuotas Split(int layer, LayerPlacement placement, IQuotaRule quotas)
        {
            if (_splits[layer] is { } known && known.Placement.Equals(placement))
            {
                return known;
            }

            return _splits[layer] = quotas.Split(placement, Note.Kept[layer]);
        }
    }
}

/// <summary>The load of a layer in the window.</summary>
/// <param name="Tokens">By expert: tokens that reached it.</param>
/// <param name="Dropped">Tokens that found no slot.</param>
/// <param name="Dead">Experts that no token chose.</param>
/// <param name="Shards">Tokens of each shard, in canonical order.</param>
/// <param name="Workers">By rank: tokens that its experts served.</param>
/// <param name="Ratio">Balance ratio of the last step; null where it is not known.</param>
/// <param name="RouterEntropy">Entropy of the router's probabilities in the last step, nats.</param>
internal sealed record LayerLoad(long[] Tokens, long Dropped, int[] Dead, long[] Shards, long[] Workers, double? Ratio, double RouterEntropy)
{
    /// <summary>Balance ratio of the window; 1 where there are no tokens.</summary>
    public double WindowRatio => Workers.Sum() is > 0 and long all ? (double)Workers.Max() * Workers.Length / all : 1;
}
