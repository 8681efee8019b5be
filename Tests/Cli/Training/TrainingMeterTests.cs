using MoEActors.Cli.Progress;
using MoEActors.Cli.Training;
using MoEActors.Client.History;
using MoEActors.Grains.Interfaces.Training;
using MoEActors.Modules.Models;
using MoEActors.Placement.Map;

namespace MoEActors.Tests.Cli.Training;

/// <summary>What a view is told of steps.</summary>
public sealed class TrainingMeterTests
{
    [Fact]
    public void The_first_step_below_the_byte_frequencies_stays_the_first()
    {
        TrainingMeter meter = Meter(frequencyLoss: 3);
        meter.Recall(Earlier(1, 5));
        Assert.Null(meter.Progress().FrequenciesPassed);
        meter.Recall(Earlier(2, 2.9));
        meter.Recall(Earlier(3, 3.1));
        for (int step = 4; step <= 3000; step++)
        {
            meter.Recall(Earlier(step, 1));
        }

        Assert.Equal(2, meter.Progress().FrequenciesPassed);
        Assert.Equal(3, meter.Progress().FrequencyLoss);
    }

    [Fact]
    public void A_run_that_goes_on_has_the_curve_of_the_steps_before()
    {
        TrainingMeter meter = Meter(frequencyLoss: double.NaN);
        meter.Recall(Earlier(1, 5));
        meter.Recall(Earlier(2, 4));
        meter.Recall(new EvaluationEvent { Step = 2, Loss = 4.5, Tokens = 1 });
        meter.Recall(new EvaluationEvent { Step = 2, Loss = double.NaN, Tokens = 1 });
        TrainingProgress progress = meter.Progress();
        Assert.Equal([new LossPoint(1, 5), new LossPoint(2, 4)], progress.Losses);
        Assert.Equal([new LossPoint(2, 4.5)], progress.Validations);
        Assert.Equal((null, null, null), (progress.FrequencyLoss, progress.FrequenciesPassed, progress.Remaining));
    }

    private static TrainingMeter Meter(double frequencyLoss) => new(
        new TrainingStatus
        {
            Model = "m",
            Term = 1,
            View = 1,
            Step = 0,
            Configuration = new RunConfiguration { Model = new ModelConfiguration { Experts = [2] } },
            Map = new PlacementMap(1, [new WorkerId("silo-0@1", 0)], [[0, 0]]),
            SiloNames = ["silo-0"],
        },
        steps: 10,
        frequencyLoss);

    private static StepEvent Earlier(long step, double loss) => new()
    {
        Step = step,
        Loss = loss,
        CrossEntropy = loss,
        Auxiliary = 0,
        GradientNorm = 1,
        LearningRate = 1e-3,
        Tokens = 1,
        Seconds = 1,
        TokensPerSecond = 1,
        ChosenTokens = 1,
        DroppedTokens = 0,
    };
}
