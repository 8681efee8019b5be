namespace MoEActors.Tests.CudaEmulation;

/// <summary>Sees to it that between its beginning and its end nothing was found wrong, and that a device then holds what it held before.</summary>
internal sealed class CudaWatch : IDisposable
{
    // Modules stay with the process once they are loaded.
    private static readonly Held[] MayNotStay = [Held.Allocations, Held.PinnedAllocations, Held.Streams, Held.Events];

    private readonly int _device;
    private readonly int[] _before;

    public CudaWatch(int device = 0)
    {
        EmulatedCuda.Require();
        _device = device;
        _before = Counts();
        EmulatedCuda.ClearLog();
    }

    public void Dispose()
    {
        Assert.Equal("", EmulatedCuda.Log);
        Assert.Equal(MayNotStay.Zip(_before), MayNotStay.Zip(Counts()));
    }

    private int[] Counts() => [.. MayNotStay.Select(what => EmulatedCuda.Count(what, _device))];
}
