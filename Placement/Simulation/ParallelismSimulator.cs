using System.Collections.Immutable;
using MoEActors.Placement.Parallelism;

namespace MoEActors.Placement.Simulation;

/// <summary>
/// Trains one MoE layer on the described cluster under the tuner, which is seeded with another one: rates that are off by up to 30 %, a cost of messages
/// that it does not know, and noise on every time that it is told. Regret is reckoned in times without noise, against the best choice of every step.
/// </summary>
/// <param name="workers">Number of workers.</param>
/// <param name="seed">Same seed, same clusters and noise.</param>
public sealed class ParallelismSimulator(int workers, ulong seed = 1)
{
    /// <summary>Steps of a run; exploration counts as over after half of them.</summary>
    public const int Steps = 2000;

    /// <summary>How many times as much work the swinging load has at its highest as at its lowest. Source: Tutel (arXiv 2206.03382), figure 1.</summary>
    public const double Swing = 4.4;

    /// <summary>Most that a rate is off, and the noise of a measurement; both relative.</summary>
    private const double RateError = 0.3, Noise = 0.05;

    /// <summary>What the tuner takes a message to cost; the true cost is anything up to that of the described cluster.</summary>
    private const double SeededMessageSeconds = 20e-6;

    /// <summary>The 243 settings. Source: Tutel, section 5.1.2, whose own three factors are not named; here capacity factors 1, 2 and 4.</summary>
    public static ImmutableArray<LayerShape> Settings(int workers) =>
    [
        .. from expertsPerWorker in (double[])[0.5, 1, 2]
           from dimension in (int[])[1024, 2048, 4096]
           from hidden in (int[])[1024, 2048, 4096]
           from tokens in (int[])[4096, 16_384, 65_536]
           from factor in (double[])[1, 2, 4]
           select new LayerShape(workers, expertsPerWorker, dimension, hidden, tokens, factor),
    ];

    /// <summary>Runs the settings at a steady load.</summary>
    /// <param name="settingDone">Told the number of settings that are done, after each; may throw to stop.</param>
    /// <param name="every">Every so many settings one is run.</param>
    public ImmutableArray<TunedRun> Steady(Action<int>? settingDone = null, int every = 1) => Run(Settings(workers), _ => 1, settingDone, every);

    /// <summary>Runs the settings of the lowest capacity factor under a load that swings.</summary>
    /// <param name="settingDone">Told the number of settings that are done, after each; may throw to stop.</param>
    /// <param name="every">Every so many settings one is run.</param>
    public ImmutableArray<TunedRun> Swinging(Action<int>? settingDone = null, int every = 1)
    {
        const double Period = 97;
        double middle = Math.Sqrt(Swing);
        return Run(
            [.. Settings(workers).Where(setting => setting.CapacityFactor == 1)],
            step => middle * Math.Pow(Swing, Math.Sin(2 * Math.PI * step / Period) / 2),
            settingDone,
            every);
    }

    private ImmutableArray<TunedRun> Run(ImmutableArray<LayerShape> settings, Func<int, double> load, Action<int>? settingDone, int every)
    {
        List<TunedRun> runs = [];
        foreach (LayerShape setting in settings.Where((_, i) => i % every == 0))
        {
            runs.Add(Run(setting, load, runs.Count));
            settingDone?.Invoke(runs.Count);
        }

        return [.. runs];
    }

    /// <summary>Runs one setting.</summary>
    private TunedRun Run(LayerShape setting, Func<int, double> load, int number)
    {
        Random random = new(unchecked(((int)seed * 7919) + number));
        ClusterDifference truth = new(Rate(random), Rate(random), Rate(random), A100Cluster.MessageSeconds * random.NextDouble());
        ParallelismCosts seeded = A100Cluster.Of(setting, ClusterDifference.None with { MessageSeconds = SeededMessageSeconds });
        ParallelismCosts actual = A100Cluster.Of(setting, truth);
        PossibleChoices possible = A100Cluster.Choices(setting);
        ParallelismChoice[] choices = [.. possible.All()];
        ParallelismTuner tuner = new(possible, (bucket, choice) => seeded.StepSeconds(choice, RowsOf(bucket)));
        double[] fixedSeconds = new double[choices.Length];
        double early = 0, late = 0, earlyBest = 0, lateBest = 0, predicted = 0;
        Dictionary<int, int> foretold = [];
        Dictionary<long, double[]> times = [];
        for (int step = 0; step < Steps; step++)
        {
            long rows = (long)(setting.Rows * load(step));
            int bucket = ParallelismTuner.BucketOf(rows * setting.Workers / setting.Experts);
            if (!times.TryGetValue(rows, out double[]? all))
            {
                times[rows] = all = [.. choices.Select(choice => actual.StepSeconds(choice, rows))];
            }

            if (!foretold.TryGetValue(bucket, out int seededBest))
            {
                foretold[bucket] = seededBest = Array.IndexOf(choices, choices.MinBy(choice => seeded.StepSeconds(choice, RowsOf(bucket))));
            }

            predicted += all[seededBest];
            ParallelismChoice choice = tuner.Choose(bucket);
            double seconds = all[Array.IndexOf(choices, choice)], best = all.Min();
            tuner.Record(bucket, choice, seconds * Math.Exp(Noise * Normal(random)));
            for (int i = 0; i < choices.Length; i++)
            {
                fixedSeconds[i] += all[i];
            }

            if (step < Steps / 2)
            {
                (early, earlyBest) = (early + seconds, earlyBest + best);
            }
            else
            {
                (late, lateBest) = (late + seconds, lateBest + best);
            }
        }

        return new TunedRun(
            setting,
            Regret: ((early + late) / (earlyBest + lateBest)) - 1,
            RegretAfter: (late / lateBest) - 1,
            RegretPredicted: (predicted / (earlyBest + lateBest)) - 1,
            [.. choices.Select((choice, i) => new StaticChoice(choice, fixedSeconds[i] / (early + late)))]);

        long RowsOf(int bucket) => Math.Max(1, (long)((bucket - 0.5) * ParallelismTuner.BucketWidth * setting.Experts / setting.Workers));
    }

    private static double Rate(Random random) => 1 + (RateError * ((2 * random.NextDouble()) - 1));

    private static double Normal(Random random) =>
        Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());
}

/// <summary>A run of the tuner. Regrets are seconds over those of the best choice of every step, less 1.</summary>
/// <param name="Setting">The layer.</param>
/// <param name="Regret">Of the whole run: what exploration took, and what was chosen wrongly.</param>
/// <param name="RegretAfter">Of its second half.</param>
/// <param name="RegretPredicted">Had what the seeded cost model predicts to be best been chosen in all steps.</param>
/// <param name="Static">Every choice, had it been made in all steps.</param>
public sealed record TunedRun(LayerShape Setting, double Regret, double RegretAfter, double RegretPredicted, ImmutableArray<StaticChoice> Static);

/// <summary>A choice made in all steps of a run.</summary>
/// <param name="Choice">The choice.</param>
/// <param name="Gain">Its seconds over those under the tuner.</param>
public readonly record struct StaticChoice(ParallelismChoice Choice, double Gain);
