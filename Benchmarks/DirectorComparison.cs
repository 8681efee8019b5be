using System.Text.Json.Serialization;
using MoEActors.Grains.Interfaces.Director;
using MoEActors.Grains.Interfaces.Training;

namespace MoEActors.Benchmarks;

/// <summary>One model without and with the director. Times are medians of the measured steps.</summary>
public sealed record DirectorComparison
{
    /// <summary>Seconds on the clock in the MoE layers of a step, of the worker that took longest.</summary>
    [JsonPropertyName("moe_seconds_without")]
    public required double MoESecondsWithout { get; init; }

    [JsonPropertyName("moe_seconds_with")]
    public required double MoESecondsWith { get; init; }

    /// <summary>Without over with: the median over pairs of steps, one after the other, so that a machine which becomes slower slows both.</summary>
    [JsonPropertyName("moe_time_ratio")]
    public required double MoETimeRatio { get; init; }

    /// <summary>
    /// What that ratio can be at most with as many threads as silos on the cores of this machine, if nothing else runs on them: alone, a busy thread
    /// has but one core; together, the threads have all. 1.23 for four on two cores, 2.46 on four.
    /// </summary>
    [JsonPropertyName("moe_time_ratio_possible")]
    public required double MoETimeRatioPossible { get; init; }

    /// <summary>Processor seconds of a step of the busiest worker.</summary>
    public required double BusiestWorkerSecondsWithout { get; init; }

    public required double BusiestWorkerSecondsWith { get; init; }

    /// <summary>Without over with, in pairs.</summary>
    public required double BusiestWorkerRatio { get; init; }

    /// <summary>The same of the processor time in exchange and experts alone.</summary>
    public required double BusiestWorkerExpertsRatio { get; init; }

    /// <summary>Mean tokens of the busiest worker over the mean of all.</summary>
    public required double BalanceRatioWithout { get; init; }

    public required double BalanceRatioWith { get; init; }

    /// <summary>The first step from which on the balance ratio was at most 1.1; null when it never was.</summary>
    public required int? BalancedFromStep { get; init; }

    public required int Decisions { get; init; }

    public required int ShardsMoved { get; init; }

    public required long BytesMoved { get; init; }

    /// <summary>Mean of |predicted − measured| / measured of the layers' seconds.</summary>
    public required double? PredictionErrorWithout { get; init; }

    public required double? PredictionErrorWith { get; init; }

    /// <summary>Whether the loss sequences are the same to the last bit.</summary>
    public required bool LossesIdentical { get; init; }

    /// <summary>The greatest difference of two losses, relative.</summary>
    public required double LossesApart { get; init; }

    /// <summary>Compares the last steps of two runs on the same batches.</summary>
    internal static DirectorComparison Of(DirectorSamples without, DirectorSamples with, int silos, int steps)
    {
        double Median(List<double> samples) => Samples.Median([.. samples.TakeLast(steps)]);
        double Ratio(List<double> over, List<double> under) => Median([.. over.Zip(under, (left, right) => left / right)]);
        DirectorDecision[] landed = [.. with.Director.Decisions.Where(decision => decision.State == DecisionState.Applied)];
        return new DirectorComparison
        {
            MoESecondsWithout = Median(without.MoESeconds),
            MoESecondsWith = Median(with.MoESeconds),
            MoETimeRatio = Ratio(without.MoESeconds, with.MoESeconds),
            MoETimeRatioPossible = Possible(without.Ratio(steps) / silos, Math.Min(silos, Environment.ProcessorCount)),
            BusiestWorkerSecondsWithout = Median(without.BusiestSeconds),
            BusiestWorkerSecondsWith = Median(with.BusiestSeconds),
            BusiestWorkerRatio = Ratio(without.BusiestSeconds, with.BusiestSeconds),
            BusiestWorkerExpertsRatio = Ratio(without.BusiestExpertSeconds, with.BusiestExpertSeconds),
            BalanceRatioWithout = without.Ratio(steps),
            BalanceRatioWith = with.Ratio(steps),
            BalancedFromStep = with.BalancedFrom,
            Decisions = landed.Length,
            ShardsMoved = landed.Sum(decision => decision.ShardsMoved),
            BytesMoved = landed.Sum(decision => decision.BytesMoved),
            PredictionErrorWithout = without.Director.PredictionError,
            PredictionErrorWith = with.Director.PredictionError,
            LossesIdentical = without.Losses.SequenceEqual(with.Losses),
            LossesApart = without.Losses.Zip(with.Losses, (left, right) => Math.Abs(left - right) / left).Max(),
        };
    }

    /// <summary>Time on the clock of work 1 whose greatest indivisible part is <paramref name="share"/>, over that of even parts.</summary>
    private static double Possible(double share, int cores) => Math.Max(share, 1.0 / cores) * cores;
}

/// <summary>What one of two compared models did, step by step.</summary>
internal sealed class DirectorSamples
{
    private readonly List<double> _ratios = [];

    /// <summary>By step: seconds on the clock in all MoE layers, of the worker that took longest.</summary>
    public List<double> MoESeconds { get; } = [];

    /// <summary>By step: processor seconds of the busiest worker.</summary>
    public List<double> BusiestSeconds { get; } = [];

    /// <summary>By step: processor seconds of the worker that is busiest in exchange and experts, there.</summary>
    public List<double> BusiestExpertSeconds { get; } = [];

    /// <summary>By step: the loss.</summary>
    public List<double> Losses { get; } = [];

    /// <summary>What the director saw last.</summary>
    public DirectorStatus Director { get; private set; } = new();

    /// <summary>The first step from which on all layers were balanced, on average over the steps; null when they never were.</summary>
    public int? BalancedFrom => Enumerable.Range(0, _ratios.Count)
        .Where(step => _ratios.Skip(step).Average() <= DirectorBenchmark.Balanced && _ratios[step] <= DirectorBenchmark.Balanced)
        .Select(step => (int?)step + 1)
        .FirstOrDefault();

    /// <summary>Mean balance ratio of the last steps.</summary>
    public double Ratio(int steps) => _ratios.TakeLast(steps).Average();

    /// <summary>Adds a step.</summary>
    public void Add(StepOutcome step, DirectorStatus director)
    {
        MoESeconds.Add(step.Timings.Max(timing => timing.MixtureElapsed.Sum()));
        BusiestSeconds.Add(step.Timings.Max(timing => timing.ProcessorSeconds));
        BusiestExpertSeconds.Add(step.Timings.Max(timing => timing.ExpertsBusy.Sum()));
        Losses.Add(step.Loss);
        Director = director;
        _ratios.Add(director.Ratios.Max());
    }
}
