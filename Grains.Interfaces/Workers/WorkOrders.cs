namespace MoEActors.Grains.Interfaces.Workers;

/// <summary>
/// A command to a worker host. It is refused when its term or epoch is older than what the host has seen, and taken once however often it
/// arrives.
/// </summary>
[GenerateSerializer]
[Immutable]
[Alias("moe.order")]
public abstract class WorkOrder
{
    /// <summary>The model.</summary>
    [Id(0)]
    public required string Model { get; init; }

    /// <summary>The coordinator's reign.</summary>
    [Id(1)]
    public required long Term { get; init; }

    /// <summary>The agreement on members and map.</summary>
    [Id(2)]
    public required long Epoch { get; init; }

    /// <summary>Number of the order within the term; orders run in this order.</summary>
    [Id(3)]
    public required long Number { get; init; }
}

/// <summary>Take part in an epoch: hold the shards that the map names and open the communicator.</summary>
[GenerateSerializer]
[Immutable]
[Alias("moe.order.open")]
public sealed class OpenEpochOrder : WorkOrder
{
    /// <summary>The run's configuration as JSON.</summary>
    [Id(0)]
    public required string Configuration { get; init; }

    /// <summary>Members in rank order, and who holds what.</summary>
    [Id(1)]
    public required PlacementMapMessage Map { get; init; }

    /// <summary>Committed steps; 0 starts from the seed.</summary>
    [Id(2)]
    public required long Version { get; init; }
}

/// <summary>Run a step forward and backward and keep the gradients.</summary>
[GenerateSerializer]
[Immutable]
[Alias("moe.order.prepare")]
public sealed class PrepareOrder : WorkOrder
{
    /// <summary>The step, from 1.</summary>
    [Id(0)]
    public required long Step { get; init; }

    /// <summary>Micro-batches of the whole step.</summary>
    [Id(1)]
    public required int MicroBatches { get; init; }

    /// <summary>Predicted tokens of the whole step.</summary>
    [Id(2)]
    public required long Targets { get; init; }

    /// <summary>The micro-batches of this host's workers.</summary>
    [Id(3)]
    public required MicroBatchMessage[] Batches { get; init; }
}

/// <summary>Apply the gradients of a prepared step.</summary>
[GenerateSerializer]
[Immutable]
[Alias("moe.order.commit")]
public sealed class CommitOrder : WorkOrder
{
    /// <summary>The step.</summary>
    [Id(0)]
    public required long Step { get; init; }
}

/// <summary>Forget the gradients of a step.</summary>
[GenerateSerializer]
[Immutable]
[Alias("moe.order.abort")]
public sealed class AbortOrder : WorkOrder
{
    /// <summary>The step.</summary>
    [Id(0)]
    public required long Step { get; init; }
}

/// <summary>Sum the cross-entropy of micro-batches; nothing is learnt.</summary>
[GenerateSerializer]
[Immutable]
[Alias("moe.order.evaluate")]
public sealed class EvaluateOrder : WorkOrder
{
    /// <summary>Micro-batches of the whole evaluation.</summary>
    [Id(0)]
    public required int MicroBatches { get; init; }

    /// <summary>The micro-batches of this host's workers.</summary>
    [Id(1)]
    public required MicroBatchMessage[] Batches { get; init; }
}

/// <summary>Continue a text.</summary>
[GenerateSerializer]
[Immutable]
[Alias("moe.order.generate")]
public sealed class GenerateOrder : WorkOrder
{
    /// <summary>Tokens to continue.</summary>
    [Id(0)]
    public required int[] Prompt { get; init; }

    /// <summary>Tokens to add.</summary>
    [Id(1)]
    public required int Count { get; init; }

    /// <summary>Divides the logits; 0 takes the most likely token.</summary>
    [Id(2)]
    public required float Temperature { get; init; }

    /// <summary>Seed of the draws.</summary>
    [Id(3)]
    public required ulong Seed { get; init; }
}

/// <summary>Write the parameters to a folder, each worker its own.</summary>
[GenerateSerializer]
[Immutable]
[Alias("moe.order.save")]
public sealed class SaveOrder : WorkOrder
{
    /// <summary>The folder, which exists.</summary>
    [Id(0)]
    public required string Folder { get; init; }
}

/// <summary>Hash the parameters.</summary>
[GenerateSerializer]
[Immutable]
[Alias("moe.order.fingerprint")]
public sealed class FingerprintOrder : WorkOrder;
