namespace MoEActors.Native.Cpu.Threads;

/// <summary>Work over a range of items. Implemented by structs, so that a parallel loop allocates nothing.</summary>
internal interface IRangeBody
{
    /// <summary>Does the items from <paramref name="start"/> up to, not including, <paramref name="end"/>.</summary>
    void Run(int start, int end);
}
