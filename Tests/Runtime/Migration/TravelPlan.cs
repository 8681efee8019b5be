namespace MoEActors.Tests.Runtime.Migration;

/// <summary>What goes wrong on a grain's journey.</summary>
public sealed record TravelPlan
{
    public bool FailsToDeactivate { get; init; }

    public bool FailsToDehydrate { get; init; }

    public bool FailsToRehydrate { get; init; }

    /// <summary>The silo where the next activation fails.</summary>
    public SiloAddress? RefusedOn { get; init; }

    /// <summary>A gate that the grain passes before it is deactivated.</summary>
    public string? Gate { get; init; }

    /// <summary>What else is packed, and unpacked.</summary>
    public Action<IDehydrationContext>? Pack { get; init; }

    public Action<IRehydrationContext>? Unpack { get; init; }
}
