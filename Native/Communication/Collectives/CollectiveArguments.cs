using MoEActors.Native.Memory;

namespace MoEActors.Native.Communication.Collectives;

/// <summary>What a rank gives to a collective, whatever carries it: what is wrong with it, in the words that the others are told, or null; and which part of a sum is whose.</summary>
internal static class CollectiveArguments
{
    /// <summary>What is wrong with lengths of an all-gather.</summary>
    public static string? OfGather(long mine, long all, int size) =>
        all == mine * size ? null : $"gives {mine} elements and has room for {all}, which is not {size} times as many";

    /// <summary>What is wrong with lengths of a sum.</summary>
    public static string? OfSum(bool contributes, long part, long sum) =>
        !contributes || part == sum ? null : $"contributes {part} elements to a sum of {sum}";

    /// <summary>What is wrong with the root of a broadcast.</summary>
    public static string? OfRoot(int root, int size) => (uint)root < (uint)size ? null : $"names root {root}, which is none of the {size} ranks";

    /// <summary>The part of a sum that a rank owns.</summary>
    public static DeviceSpan<float> OwnedBy(this DeviceSpan<float> span, int rank, int size)
    {
        (int start, int length) = ICommunicator.OwnedRange(span.Length, rank, size);
        return span.Slice(start, length);
    }
}
