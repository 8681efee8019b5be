namespace MoEActors.Tests.Native.Kernels;

/// <summary>Where operands lie: nothing of it may show in a result.</summary>
/// <param name="Threads">Threads of the device.</param>
/// <param name="Gap">Elements between two rows.</param>
/// <param name="Shift">Elements off a cache line.</param>
internal readonly record struct RowLayout(int Threads, int Gap, int Shift);
