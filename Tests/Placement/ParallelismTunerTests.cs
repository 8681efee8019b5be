using System.Text.Json;
using MoEActors.Placement.Costs;
using MoEActors.Placement.Map;
using MoEActors.Placement.Parallelism;
using MoEActors.Placement.Simulation;

namespace MoEActors.Tests.Placement;

public sealed class ParallelismTunerTests
{
    private static PossibleChoices Everything { get; } = new()
    {
        MostSlices = 64,
        Overlaps = [1, 2, 4, 8],
        Exchanges = [AllToAll.Linear, AllToAll.Hierarchical],
    };

    [Fact]
    public void The_prediction_decides_until_something_is_measured()
    {
        ParallelismTuner tuner = new(new PossibleChoices(), (_, choice) => choice.Slices == 0 ? 1 : 2);
        Assert.Equal(0, tuner.Choose(1).Slices);
        Assert.Contains("1E+03 ms predicted", tuner.Explain(1));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public void With_gathering_and_expert_parallelism_alone_it_finds_the_faster_against_the_prediction(int faster)
    {
        var random = new Random(faster);
        ParallelismTuner tuner = new(new PossibleChoices(), (_, choice) => choice.Slices == faster ? 1.2 : 1);
        int wrong = 0;
        for (int step = 0; step < 300; step++)
        {
            ParallelismChoice choice = tuner.Choose(7);
            wrong += choice.Slices == faster ? 0 : 1;
            tuner.Record(7, choice, (choice.Slices == faster ? 0.9 : 1.05) * Math.Exp(0.05 * random.NextDouble()));
        }

        Assert.InRange(wrong, 1, 30);
        Assert.Equal(faster, tuner.Choose(7).Slices);
        Assert.Matches($"^Capacity 769 to 896: r = {faster}.* ms measured .*; after it r = {1 - faster}.*", tuner.Explain(7));
    }

    [Fact]
    public void Copies_are_a_choice_of_their_own_beside_rows_that_travel_once()
    {
        PossibleChoices possible = new() { CanCopy = true, MostSlices = 4 };
        Assert.Equal(6, possible.All().Count());
        Assert.Equal([new ParallelismChoice(1, 1, AllToAll.Linear, Copies: true)], possible.All().Where(choice => choice.Copies));
        ParallelismTuner tuner = new(new PossibleChoices { CanCopy = true }, (_, _) => 1);
        for (int step = 0; step < 200; step++)
        {
            ParallelismChoice choice = tuner.Choose(1);
            tuner.Record(1, choice, choice.Copies ? 0.8 : 1);
        }

        Assert.StartsWith("Capacity 1 to 128: r = 1, d = 1, linear, with copies, 800 ms measured", tuner.Explain(1), StringComparison.Ordinal);
    }

    [Fact]
    public void Of_many_slices_few_are_looked_at_and_the_best_is_found()
    {
        HashSet<int> tried = [];
        ParallelismTuner tuner = new(Everything, (_, choice) => Seconds(choice, best: 9));
        for (int step = 0; step < 1000; step++)
        {
            ParallelismChoice choice = tuner.Choose(1);
            tried.Add(choice.Slices);
            tuner.Record(1, choice, Seconds(choice, best: 12));
        }

        ParallelismChoice found = tuner.Choose(1);
        Assert.InRange(Seconds(found, best: 12), 0, 1.02 * Everything.All().Min(choice => Seconds(choice, best: 12)));
        Assert.InRange(tried.Count, 1, 24);

        static double Seconds(ParallelismChoice choice, double best) =>
            (1 + Math.Abs(Math.Log((choice.Slices + 0.01) / best))) * (1 + (Math.Abs(choice.Overlap - 4) / 20.0)) * (choice.Exchange == AllToAll.Linear ? 1.1 : 1);
    }

    [Fact]
    public void A_choice_that_can_only_be_worse_is_never_tried()
    {
        ParallelismTuner tuner = new(new PossibleChoices(), (_, choice) => choice.Slices == 0 ? 10 : 1);
        for (int step = 0; step < 500; step++)
        {
            ParallelismChoice choice = tuner.Choose(3);
            Assert.Equal(1, choice.Slices);
            tuner.Record(3, choice, 1);
        }
    }

    [Fact]
    public void What_one_bucket_measured_serves_its_neighbours()
    {
        ParallelismTuner tuner = new(new PossibleChoices(), (bucket, choice) => bucket * (choice.Slices == 0 ? 1 : 1.2));
        for (int step = 0; step < 100; step++)
        {
            ParallelismChoice choice = tuner.Choose(40);
            tuner.Record(40, choice, 40 * (choice.Slices == 0 ? 1.5 : 1.1));
        }

        Assert.Equal(1, tuner.Choose(42).Slices);
        Assert.Equal(0, tuner.Choose(400).Slices);
    }

    [Fact]
    public void A_saved_tuner_goes_on_as_if_nothing_had_happened()
    {
        var random = new Random(5);
        ParallelismTuner one = new(Everything, Predict), other = one;
        for (int step = 0; step < 200; step++)
        {
            if (step % 50 == 0)
            {
                other = new ParallelismTuner(Everything, Predict, JsonSerializer.Deserialize<TunerState>(JsonSerializer.Serialize(one.State)));
            }

            int bucket = 10 + (step % 3);
            ParallelismChoice choice = one.Choose(bucket);
            Assert.Equal(choice, other.Choose(bucket));
            double seconds = Predict(bucket, choice) * (0.8 + (0.4 * random.NextDouble()));
            one.Record(bucket, choice, seconds);
            other.Record(bucket, choice, seconds);
        }

        static double Predict(int bucket, ParallelismChoice choice) => bucket * (2 + Math.Abs(choice.Slices - 3)) / (double)choice.Overlap;
    }

    [Fact]
    public void A_time_that_is_none_is_refused()
    {
        ParallelismTuner tuner = new(new PossibleChoices(), (_, _) => 1);
        Assert.Throws<PlacementException>(() => tuner.Record(1, ParallelismChoice.ExpertParallel, 0));
    }

    [Theory]
    [InlineData(16)]
    [InlineData(1024)]
    public void On_a_cluster_that_it_does_not_know_it_loses_little(int workers)
    {
        ParallelismSimulator simulator = new(workers, seed: 3);
        TunedRun[] steady = [.. simulator.Steady(every: 10)], swinging = [.. simulator.Swinging(every: 10)];
        Assert.InRange(steady.Average(run => run.RegretAfter), 0, 0.02);
        Assert.All(steady, run => Assert.InRange(run.RegretAfter, 0, 0.10));
        Assert.InRange(steady.Average(run => run.Regret), 0, 0.03);
        Assert.InRange(swinging.Average(run => run.Regret), 0, 0.05);
        Assert.InRange(swinging.Average(run => run.RegretAfter), 0, 0.03);
        Assert.True(steady.Average(run => run.RegretPredicted) > 5 * steady.Average(run => run.RegretAfter));
    }
}
