namespace MoEActors.Grains.Interfaces.Workers;

/// <summary>
/// Copy whole shards - parameters and moments - from rank to rank on the data plane. The copies wait beside the target's table until an epoch
/// takes them over; the sources keep theirs until then.
/// </summary>
[GenerateSerializer]
[Immutable]
[Alias("moe.order.transfer")]
public sealed class TransferOrder : WorkOrder
{
    /// <summary>The moves.</summary>
    [Id(0)]
    public required ShardTransferMessage[] Moves { get; init; }
}
