using MoEActors.Modules.Gates;

namespace MoEActors.Workers.Training;

/// <summary>What the gates decided and measured for this worker's micro-batches of the step that is being prepared.</summary>
internal sealed class RoutingCounts(ModelConfiguration model)
{
    private readonly long[][] _kept = [.. model.Experts.Select(experts => new long[experts])];
    private readonly long[][] _chosen = [.. model.Experts.Select(experts => new long[experts])];
    private readonly List<RouterPart> _routers = [];
    private readonly List<AuxiliaryPart> _losses = [];
    private volatile RoutingStatistics? _published;

    /// <summary>Routing of the last step that was prepared in the open view; null before the first. Grains of the silo read it at any time.</summary>
    public RoutingStatistics? Published => _published;

    /// <summary>Starts a step.</summary>
    public void Clear()
    {
        _routers.Clear();
        _losses.Clear();
        for (int layer = 0; layer < _kept.Length; layer++)
        {
            Array.Clear(_kept[layer]);
            Array.Clear(_chosen[layer]);
        }
    }

    /// <summary>Adds what the gates decided for one micro-batch.</summary>
    public void Add(int microBatch, DecoderModel decoder)
    {
        for (int layer = 0; layer < _kept.Length; layer++)
        {
            if (decoder.RoutingOf(layer) is { } routing)
            {
                Add(microBatch, layer, routing);
            }
        }
    }

    /// <summary>Adds what the gate of a layer decided for one micro-batch.</summary>
    public void Add(int microBatch, int layer, Routing routing)
    {
        for (int expert = 0; expert < routing.Experts; expert++)
        {
            _kept[layer][expert] += routing.KeptTokens[expert];
            _chosen[layer][expert] += routing.ChosenTokens[expert];
        }

        _routers.Add(new RouterPart(microBatch, layer, routing.Tokens, routing.EntropySum));
        foreach (AuxiliaryLoss loss in routing.Losses)
        {
            _losses.Add(new AuxiliaryPart(microBatch, layer, loss.Name, loss.Value, loss.Coefficient * loss.Value));
        }
    }

    /// <summary>Shows a copy to whoever asks while the next step runs.</summary>
    public RoutingStatistics Publish(long step) => _published = new RoutingStatistics(
        step, [.. _kept.Select(layer => layer.ToArray())], [.. _chosen.Select(layer => layer.ToArray())], [.. _routers], [.. _losses]);

    /// <summary>Another view opens: there is nothing to show.</summary>
    public void Withdraw() => _published = null;
}

/// <summary>What the gates of one worker decided and measured in one step.</summary>
/// <param name="Step">The step.</param>
/// <param name="Kept">By layer and expert: tokens that found a slot.</param>
/// <param name="Chosen">By layer and expert: tokens that chose it.</param>
/// <param name="Routers">Router entropies.</param>
/// <param name="Losses">Auxiliary losses.</param>
public sealed record RoutingStatistics(long Step, long[][] Kept, long[][] Chosen, RouterPart[] Routers, AuxiliaryPart[] Losses);
