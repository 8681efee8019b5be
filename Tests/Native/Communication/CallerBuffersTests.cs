using MoEActors.Native.Communication;

namespace MoEActors.Tests.Native.Communication;

/// <summary>How workers of a process reach a caller's memory.</summary>
public class CallerBuffersTests
{
    [Fact]
    public void Work_reads_and_writes_the_very_memory_until_the_loan_ends()
    {
        var buffers = new CallerBuffers();
        float[] source = [1, 2, 3], target = new float[3];
        MemoryLoan loan = buffers.Lend(source, target);
        Assert.True(buffers.TryUse(loan.Handle, 2, static (factor, from, to) => to.Span[1] = factor * from.Span[2]));
        loan.Dispose();
        Assert.False(buffers.TryUse(loan.Handle, 0, static (_, _, to) => to.Span[0] = 7));
        Assert.False(new CallerBuffers().TryUse(buffers.Lend(source, target).Handle, 0, static (_, _, to) => to.Span[0] = 7));
        Assert.Equal([0f, 6f, 0f], target);
    }

    [Fact]
    public async Task A_loan_ends_when_the_last_who_is_at_it_has_gone()
    {
        var buffers = new CallerBuffers();
        MemoryLoan loan = buffers.Lend(default, default);
        using var inside = new ManualResetEventSlim();
        using var leave = new ManualResetEventSlim();
        Task<bool> work = Task.Run(() => buffers.TryUse(loan.Handle, 0, (_, _, _) =>
        {
            inside.Set();
            leave.Wait(TestContext.Current.CancellationToken);
        }));
        inside.Wait(TestContext.Current.CancellationToken);
        Task end = Task.Run(loan.Dispose, TestContext.Current.CancellationToken);
        Assert.True(SpinWait.SpinUntil(() => !buffers.TryUse(loan.Handle, 0, static (_, _, _) => { }), TimeSpan.FromSeconds(30)));
        Assert.False(end.IsCompleted);
        leave.Set();
        await end;
        Assert.True(await work);
    }

    [Fact]
    public void Work_that_throws_does_not_keep_the_loan()
    {
        var buffers = new CallerBuffers();
        MemoryLoan loan = buffers.Lend(new float[1], new float[1]);
        Assert.Throws<InvalidOperationException>(() => buffers.TryUse(loan.Handle, 0, static (_, _, _) => throw new InvalidOperationException()));
        loan.Dispose();
    }
}
