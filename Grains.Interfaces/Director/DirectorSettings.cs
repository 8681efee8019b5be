using MoEActors.Placement.Policy;

namespace MoEActors.Grains.Interfaces.Director;

/// <summary>How a model's placement follows its load.</summary>
[GenerateSerializer, Immutable, Alias("moe.director.settings")]
public sealed record DirectorSettings
{
    /// <summary>Name of the planner, as in <c>moe simulate placement --policy</c>; <c>static</c> moves nothing and only watches.</summary>
    [Id(0)] public string Policy { get; init; } = "incremental";

    /// <summary>Slots of each layer beyond one per expert, on all workers together; null for one per worker.</summary>
    [Id(1)] public int? SpareSlots { get; init; }

    /// <summary>A plan is made every so many steps, while none is being applied; at once where a layer is far out of balance.</summary>
    [Id(2)] public int Every { get; init; } = 10;

    /// <summary>Balance ratio above which a layer at rest is planned for.</summary>
    [Id(3)] public double Trigger { get; init; } = new DirectorOptions().Trigger;

    /// <summary>Training steps in which a plan must earn what its transfers cost.</summary>
    [Id(4)] public int HorizonSteps { get; init; } = new DirectorOptions().HorizonSteps;

    /// <summary>Training steps for which an expert that has moved is left alone.</summary>
    [Id(5)] public int CoolDownSteps { get; init; } = new DirectorOptions().CoolDownSteps;

    /// <summary>Bytes that may move during one training step; one shard always may.</summary>
    [Id(6)] public long BytesPerStep { get; init; } = new DirectorOptions().BytesPerStep;

    /// <summary>Whether it watches only, for now: it plans nothing, and what it knows of the load stays up to date.</summary>
    [Id(7)] public bool Paused { get; init; }

    /// <summary>The settings as the policy takes them.</summary>
    public DirectorOptions ToOptions() => new()
    {
        Trigger = Trigger,
        HorizonSteps = HorizonSteps,
        CoolDownSteps = CoolDownSteps,
        BytesPerStep = BytesPerStep,
    };
}
