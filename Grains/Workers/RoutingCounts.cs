using MoEActors.Modules.Gates;
using MoEActors.Modules.Models;

namespace MoEActors.Grains.Workers;

/// <summary>Tokens per (layer, expert) of this worker's micro-batches in the step that was prepared last.</summary>
internal sealed class RoutingCounts
{
    private readonly long[][] _kept;
    private readonly long[][] _chosen;

    public RoutingCounts(ModelConfiguration model)
    {
        _kept = [.. model.Experts.Select(experts => new long[experts])];
        _chosen = [.. model.Experts.Select(experts => new long[experts])];
    }

    /// <summary>Starts a step.</summary>
    public void Clear()
    {
        for (int layer = 0; layer < _kept.Length; layer++)
        {
            Array.Clear(_kept[layer]);
            Array.Clear(_chosen[layer]);
        }
    }

    /// <summary>Adds what the gates decided for one micro-batch.</summary>
    public void Add(DecoderModel model)
    {
        for (int layer = 0; layer < _kept.Length; layer++)
        {
            if (model.RoutingOf(layer) is { } routing)
            {
                Add(layer, routing);
            }
        }
    }

    /// <summary>Adds what the gate of a layer decided for one micro-batch.</summary>
    public void Add(int layer, Routing routing)
    {
        for (int expert = 0; expert < routing.Experts; expert++)
        {
            _kept[layer][expert] += routing.KeptTokens[expert];
            _chosen[layer][expert] += routing.ChosenTokens[expert];
        }
    }

    /// <summary>A copy of the tokens that found a slot.</summary>
    public long[][] Kept() => [.. _kept.Select(layer => layer.ToArray())];

    /// <summary>A copy of the tokens that chose an expert.</summary>
    public long[][] Chosen() => [.. _chosen.Select(layer => layer.ToArray())];
}
