namespace MoEActors.Tests.CudaEmulation;

/// <summary>Sees to it that between its beginning and its end nothing was found wrong, and that a device then holds no more than before.</summary>
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

        // Less is no fault: what a test before has left to a silo that was still ending may go meanwhile.
        Assert.All(MayNotStay.Zip(_before, Counts()), held => Assert.True(held.Third <= held.Second, $"{held.First}: {held.Third}, and {held.Second} before."));
    }

    private int[] Counts() => [.. MayNotStay.Select(what => EmulatedCuda.Count(what, _device))];
}
