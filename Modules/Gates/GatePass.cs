using MoEActors.Native.Memory;

namespace MoEActors.Modules.Gates;

/// <summary>What a forward pass of a gate has computed so far, for the pieces that follow. One object per gate.</summary>
public sealed class GatePass
{
    internal GatePass(Routing routing, bool scoresNeedSum)
    {
        Routing = routing;
        ScoresNeedSum = scoresNeedSum;
    }

    /// <summary>What the gate decides.</summary>
    public Routing Routing { get; }

    /// <summary>The policy of this pass.</summary>
    public GateOptions Options { get; internal set; } = new();

    /// <summary>The micro-batch.</summary>
    public RoutingContext Context { get; internal set; }

    /// <summary>[n, experts] without noise.</summary>
    public Matrix Logits { get; internal set; }

    /// <summary>[n, experts] with noise: what scores are made from. The same memory as <see cref="Logits"/> where there is none.</summary>
    public Matrix NoisyLogits { get; internal set; }

    /// <summary>[n, experts].</summary>
    public Matrix Scores { get; internal set; }

    /// <summary>[n] log Σ exp of the noisy logits.</summary>
    public DeviceSpan<float> LogSumExp { get; internal set; }

    /// <summary>[experts] added to the scores for the choice alone; empty for none.</summary>
    public DeviceSpan<float> ChoiceBias { get; internal set; }

    /// <summary>Experts of the layer.</summary>
    public int Experts => Routing.Experts;

    /// <summary>Whether scores stand for themselves and become probabilities when they are divided by their sum.</summary>
    internal bool ScoresNeedSum { get; }

    /// <summary>Whether noise was added in this pass.</summary>
    internal bool IsNoisy => Logits.Data.Address != NoisyLogits.Data.Address;
}
