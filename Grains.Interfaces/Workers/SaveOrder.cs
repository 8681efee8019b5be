namespace MoEActors.Grains.Interfaces.Workers;

/// <summary>Write the parameters to a folder, each worker its own.</summary>
[GenerateSerializer]
[Immutable]
[Alias("moe.order.save")]
public sealed class SaveOrder : WorkOrder
{
    /// <summary>The folder, which exists.</summary>
    [Id(0)]
    public required string Folder { get; init; }

    /// <summary>Part of the names of all files of this save and of no other, so that none replaces one of an older checkpoint.</summary>
    [Id(1)]
    public required string Tag { get; init; }
}
