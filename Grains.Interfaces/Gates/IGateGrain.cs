namespace MoEActors.Grains.Interfaces.Gates;

/// <summary>
/// The routing of one layer on one rank, beside the tokens it routes: policy and statistics. The training grain changes policies, on all ranks
/// alike. Key: <c>model/layer/gate/rank</c>.
/// </summary>
[Alias("moe.IGateGrain")]
public interface IGateGrain : IGrainWithStringKey
{
    /// <summary>The policy in force and what it has led to.</summary>
    [Alias("status"), ResponseTimeout("00:00:10")]
    Task<GateStatus> GetStatusAsync();
}

/// <summary>The policy of one layer's gate on one rank, and what it led to in the last step that was run.</summary>
[GenerateSerializer, Immutable, Alias("moe.gate.status")]
public sealed record GateStatus
{
    /// <summary>The layer.</summary>
    [Id(0)] public required int Layer { get; init; }

    /// <summary>The rank.</summary>
    [Id(1)] public required int Rank { get; init; }

    /// <summary>The silo that the grain and its worker are on.</summary>
    [Id(2)] public required string Silo { get; init; }

    /// <summary>The policy in force and the first step that followed it.</summary>
    [Id(3)] public required GatePolicy Policy { get; init; }

    /// <summary>The step that the figures below are of; 0 for none yet in this view.</summary>
    [Id(4)] public long Step { get; init; }

    /// <summary>Per expert: tokens of this rank that chose it.</summary>
    [Id(5)] public long[] ChosenTokens { get; init; } = [];

    /// <summary>Per expert: those that found a slot.</summary>
    [Id(6)] public long[] KeptTokens { get; init; } = [];

    /// <summary>Router entropies by micro-batch of this rank.</summary>
    [Id(7)] public RouterPart[] Routers { get; init; } = [];

    /// <summary>Auxiliary losses by micro-batch of this rank.</summary>
    [Id(8)] public AuxiliaryPart[] Losses { get; init; } = [];

    /// <summary>Per expert: tokens of this rank that chose it and found no slot.</summary>
    public long[] DroppedTokens => [.. ChosenTokens.Zip(KeptTokens, (chosen, kept) => chosen - kept)];

    /// <summary>Mean over this rank's tokens of the entropy of the router's probabilities, nats.</summary>
    public double RouterEntropy => RouterPart.MeanEntropy(Routers);

    /// <summary>Auxiliary losses by name, means over this rank's micro-batches that have tokens.</summary>
    public NamedLoss[] AuxiliaryLosses => NamedLoss.Of(Losses, RouterPart.Counted(Routers));
}
