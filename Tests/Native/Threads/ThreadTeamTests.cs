using MoEActors.Native.Cpu.Threads;

namespace MoEActors.Tests.Native.Threads;

/// <summary>Loops of a team do every item once, on however many threads.</summary>
public sealed class ThreadTeamTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(5)]
    public void Every_item_is_done_once(int threads)
    {
        using var team = new ThreadTeam(threads, "test");
        for (int items = 0; items < 200; items++)
        {
            var done = new int[items];
            team.For(items, 1 + items % 7, new Count(done));
            Assert.All(done, times => Assert.Equal(1, times));
        }
    }

    [Fact]
    public void A_failure_reaches_the_caller_and_the_team_goes_on()
    {
        using var team = new ThreadTeam(3, "test");
        Assert.ThrowsAny<Exception>(() => team.For(100, 1, new Fail()));
        var done = new int[50];
        team.For(50, 1, new Count(done));
        Assert.All(done, times => Assert.Equal(1, times));
    }

    private readonly struct Count(int[] done) : IRangeBody
    {
        public void Run(int start, int end)
        {
            for (int i = start; i < end; i++)
            {
                Interlocked.Increment(ref done[i]);
            }
        }
    }

    private readonly struct Fail : IRangeBody
    {
        public void Run(int start, int end) => throw new InvalidOperationException("on purpose");
    }
}
