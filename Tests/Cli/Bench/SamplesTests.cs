using MoEActors.Benchmarks;

namespace MoEActors.Tests.Cli.Bench;

/// <summary>What benchmarks say of their samples.</summary>
public sealed class SamplesTests
{
    [Theory]
    [InlineData(1, 1, 1)]
    [InlineData(5, 1, 5)]
    [InlineData(6, 1, 6)]
    [InlineData(8, 1, 8)]
    [InlineData(9, 2, 8)]
    [InlineData(12, 3, 10)]
    [InlineData(20, 6, 15)]
    [InlineData(100, 40, 61)]
    public void The_median_is_between_the_samples_that_tables_name(int count, int low, int high)
    {
        // Ranks of the sign test's interval at 95 of 100.
        double[] samples = [.. Enumerable.Range(1, count).Select(rank => (double)rank).Reverse()];
        Assert.Equal((low, high), Samples.MedianInterval(samples));
    }
}
