using MoEActors.Native.Communication;

namespace MoEActors.Tests.Native.Communication;

/// <summary>How workers of a process reach a caller's memory.</summary>
public class CallerBuffersTests
{
    [Fact]
    public void Work_reads_and_writes_the_very_memory_until_the_lease_ends()
    {
        var buffers = new CallerBuffers();
        float[] source = [1, 2, 3], target = new float[3];
        BufferLease lease = buffers.Lease(source, target);
        Assert.True(buffers.TryUse(lease.Handle, 2, static (factor, from, to) => to.Span[1] = factor * from.Span[2]));
        lease.Dispose();
        Assert.False(buffers.TryUse(lease.Handle, 0, static (_, _, to) => to.Span[0] = 7));
        Assert.False(new CallerBuffers().TryUse(buffers.Lease(source, target).Handle, 0, static (_, _, to) => to.Span[0] = 7));
        Assert.Equal([0f, 6f, 0f], target);
    }

    [Fact]
    public async Task A_lease_ends_after_its_last_user()
    {
        var buffers = new CallerBuffers();
        BufferLease lease = buffers.Lease(default, default);
        using var inside = new ManualResetEventSlim();
        using var leave = new ManualResetEventSlim();
        Task<bool> work = Task.Run(() => buffers.TryUse(lease.Handle, 0, (_, _, _) =>
        {
            inside.Set();
            leave.Wait(TestContext.Current.CancellationToken);
        }));
        inside.Wait(TestContext.Current.CancellationToken);
        Task end = Task.Run(lease.Dispose, TestContext.Current.CancellationToken);
        Assert.True(SpinWait.SpinUntil(() => !buffers.TryUse(lease.Handle, 0, static (_, _, _) => { }), TimeSpan.FromSeconds(30)));
        Assert.False(end.IsCompleted);
        leave.Set();
        await end;
        Assert.True(await work);
    }

    [Fact]
    public void Work_that_throws_does_not_keep_the_lease()
    {
        var buffers = new CallerBuffers();
        BufferLease lease = buffers.Lease(new float[1], new float[1]);
        Assert.Throws<InvalidOperationException>(() => buffers.TryUse(lease.Handle, 0, static (_, _, _) => throw new InvalidOperationException()));
        lease.Dispose();
    }
}
