using MoEActors.Cli.Soak;

namespace MoEActors.Tests.Cli.Soak;

/// <summary>What a long run is measured by.</summary>
public sealed class SoakTests
{
    [Fact]
    public void Growth_is_the_slope_of_what_was_measured_in_a_thousand_steps()
    {
        // Half a megabyte in five hundred steps, about which it swings; a thread more at the end of a thousand; as many sockets as ever.
        SoakSample[] samples =
        [
            .. Enumerable.Range(0, 9).Select(i => new SoakSample(
                Step: 500 * i, HeapBytes: 10_000_000 + (500_000 * i) + (i % 2 * 1000), NativeBytes: 70_000_000, Threads: 30, Sockets: 12, Handles: 100 + i, RefusedConnections: 0)),
        ];
        var growth = SoakGrowth.Of(samples);
        Assert.InRange(growth.MemoryBytes, 999_000, 1_001_000);
        Assert.Equal((0, 0, 2), (growth.Threads, growth.Sockets, Math.Round(growth.Handles, 6)));
        Assert.Equal(new SoakGrowth(0, 0, 0, 0), SoakGrowth.Of(samples[..1]));
    }

    [Theory]
    [InlineData("--silos", "1"), InlineData("--steps", "0"), InlineData("--strangers", "-1")]
    public async Task What_cannot_be_measured_is_refused(params string[] options)
    {
        CommandLineRun run = await CommandLineRun.Of(["soak", .. options]);
        Assert.Equal(2, run.ExitCode);
        Assert.Contains(options[0][2..], run.Error, StringComparison.Ordinal);
    }
}
