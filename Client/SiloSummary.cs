namespace MoEActors.Client;

/// <summary>A silo of a cluster.</summary>
/// <param name="Name">Its name, which its restarts keep.</param>
/// <param name="Address">Its address, which no restart keeps.</param>
/// <param name="State">How it stands.</param>
/// <param name="Started">When it was started.</param>
public sealed record SiloSummary(string Name, string Address, SiloState State, DateTimeOffset Started)
{
    /// <summary>The last start of a silo: one that is there, if there is one.</summary>
    internal static SiloSummary Of(IEnumerable<MembershipEntry> starts)
    {
        MembershipEntry last = starts.OrderBy(entry => entry.Status != SiloStatus.Dead).ThenBy(entry => entry.StartTime).Last();
        return new SiloSummary(
            last.SiloName, last.SiloAddress.ToParsableString(), StateOf(last.Status), new DateTimeOffset(DateTime.SpecifyKind(last.StartTime, DateTimeKind.Utc)));
    }

    /// <summary>How a silo stands that membership tells of.</summary>
    internal static SiloState StateOf(SiloStatus status) => status switch
    {
        SiloStatus.Active => SiloState.Active,
        SiloStatus.ShuttingDown or SiloStatus.Stopping => SiloState.Leaving,
        SiloStatus.Dead => SiloState.Dead,
        _ => SiloState.Joining,
    };
}

/// <summary>How a silo stands in its cluster.</summary>
public enum SiloState
{
    /// <summary>It is about to be a member.</summary>
    Joining,

    /// <summary>It is a member.</summary>
    Active,

    /// <summary>It finishes what it does and leaves.</summary>
    Leaving,

    /// <summary>It has left, or was lost.</summary>
    Dead,
}
