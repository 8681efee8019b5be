using MoEActors.Modules.Gates;

namespace MoEActors.Tests.Support;

/// <summary>A routing as the host sees it, of a device whose memory the host can address. It stays until the tape's memory is used again.</summary>
internal static class HostRouting
{
    /// <summary>[rows, k] experts.</summary>
    public static ReadOnlySpan<int> HostChoices(this Routing routing) => routing.Choices.AsSpan();

    /// <summary>[rows, k]: whether the choice found a slot.</summary>
    public static bool[] HostKept(this Routing routing) => [.. routing.Kept.AsSpan().ToArray().Select(kept => kept != 0)];
}
