using MoEActors.Grains.Interfaces.Director;
using MoEActors.Grains.Interfaces.Training;

namespace MoEActors.Cli.Bench;

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
