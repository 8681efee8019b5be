using MoEActors.Grains.Interfaces.Gates;
using MoEActors.Modules.Gates;

namespace MoEActors.Client;

/// <summary>The gate of one layer: its policy, and what it led to on all ranks in the last step that was run.</summary>
public sealed class LayerGateStatus
{
    internal LayerGateStatus(IReadOnlyList<GateStatus> ranks)
    {
        GateStatus first = ranks[0];
        Layer = first.Layer;
        Policy = first.Policy.Options;
        FromStep = first.Policy.FromStep;
        Step = first.Step;
        Ranks = ranks;
        ChosenTokens = Sum(ranks.Select(rank => rank.ChosenTokens));
        KeptTokens = Sum(ranks.Select(rank => rank.KeptTokens));
        DroppedTokens = Sum(ranks.Select(rank => rank.DroppedTokens));
        RouterEntropy = RouterPart.MeanEntropy(ranks.SelectMany(rank => rank.Routers));
        AuxiliaryLosses = NamedLoss.Of(ranks.SelectMany(rank => rank.Losses), RouterPart.Counted(ranks.SelectMany(rank => rank.Routers)));
    }

    /// <summary>The layer.</summary>
    public int Layer { get; }

    /// <summary>The policy in force.</summary>
    public GateOptions Policy { get; }

    /// <summary>The first step that followed it.</summary>
    public long FromStep { get; }

    /// <summary>The step that the figures are of; 0 for none yet in this view, and then they are empty.</summary>
    public long Step { get; }

    /// <summary>Per expert: tokens that chose it.</summary>
    public IReadOnlyList<long> ChosenTokens { get; }

    /// <summary>Per expert: tokens that found a slot.</summary>
    public IReadOnlyList<long> KeptTokens { get; }

    /// <summary>Per expert: tokens that chose it and found no slot.</summary>
    public IReadOnlyList<long> DroppedTokens { get; }

    /// <summary>Mean over tokens of the entropy of the router's probabilities, nats, from 0 (one expert) to ln E (all alike).</summary>
    public double RouterEntropy { get; }

    /// <summary>Auxiliary losses by name, means over the step's micro-batches that have tokens.</summary>
    public IReadOnlyList<NamedLoss> AuxiliaryLosses { get; }

    /// <summary>What each rank's gate says, in rank order.</summary>
    public IReadOnlyList<GateStatus> Ranks { get; }

    private static long[] Sum(IEnumerable<long[]> parts) => parts.Aggregate((left, right) => [.. left.Zip(right, (a, b) => a + b)]);
}
