namespace MoEActors.Grains.Interfaces.Workers;

/// <summary>
/// A change of placement among the same members, on its way to a worker host. Shards are copied to where the next epoch has them; nothing else
/// changes until a commit adopts that epoch.
/// </summary>
[GenerateSerializer]
[Immutable]
[Alias("moe.switch")]
public sealed class SwitchMessage
{
    /// <summary>The epoch that the change makes.</summary>
    [Id(0)]
    public required long Epoch { get; init; }

    /// <summary>Its placement.</summary>
    [Id(1)]
    public required PlacementMapMessage Map { get; init; }

    /// <summary>The shards that arrive somewhere.</summary>
    [Id(2)]
    public required ShardTransferMessage[] Moves { get; init; }
}
