using MoEActors.Cli.Progress;
using MoEActors.Cli.Training;

namespace MoEActors.Tests.Cli.Training;

/// <summary>A run of any length in a few hundred points.</summary>
public sealed class LossSeriesTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(LossSeries.Most - 1)]
    [InlineData(LossSeries.Most)]
    [InlineData(LossSeries.Most + 1)]
    [InlineData(100_000)]
    public void It_has_the_last_step_and_means_of_its_neighbours(int steps)
    {
        LossSeries series = new();
        for (int step = 1; step <= steps; step++)
        {
            series.Add(step, step);
        }

        LossPoint[] points = [.. series.Points];
        Assert.InRange(points.Length, Math.Min(steps, LossSeries.Most / 2), LossSeries.Most);
        Assert.Equal(steps, points.Length == 0 ? 0 : points[^1].Step);
        long before = 0;
        foreach (LossPoint point in points)
        {
            Assert.Equal((before + 1 + point.Step) / 2.0, point.Loss, 1e-6);
            before = point.Step;
        }
    }

    [Theory]
    [InlineData(double.NaN)]
    [InlineData(double.PositiveInfinity)]
    [InlineData(double.NegativeInfinity)]
    public void What_is_no_number_is_left_out(double loss)
    {
        LossSeries series = new();
        series.Add(1, 2);
        series.Add(2, loss);
        series.Add(3, 1);
        Assert.Equal([new LossPoint(1, 2), new LossPoint(3, 1)], series.Points);
    }
}
