using MoEActors.Placement.Simulation;

namespace MoEActors.Tests.Placement;

/// <summary>The modelled ladder stays as close to the published one as docs/parallelism.md says.</summary>
public sealed class TutelLadderTests
{
    [Fact]
    public void The_ladder_comes_close_to_the_published_one()
    {
        const double EndToEnd = 0.25, SmallStep = 0.15, ScatteredLayout = 0.20, Small = 1.5;
        LadderRow[] rows = [.. TutelLadder.Climb()];
        Assert.Equal(3, rows.Count(row => row.Published is not null));
        Assert.All(rows.Where(row => row.Published is not null), row => Assert.InRange(row.SpeedUp / row.Published!.Value, 1 - EndToEnd, 1 + EndToEnd));
        foreach (LadderTime step in rows.SelectMany(row => row.Steps).Where(step => step.Published is not null))
        {
            // Every published step is a gain; none may come out as a loss.
            Assert.True(step.SpeedUp >= 1);
            if (step.Published < Small)
            {
                double tolerance = step.Step == LadderStep.Layout ? ScatteredLayout : SmallStep;
                Assert.InRange(step.SpeedUp, step.Published.Value - tolerance, step.Published.Value + tolerance);
            }
        }
    }
}
