using System.Collections.Immutable;
using MoEActors.Placement.Map;

namespace MoEActors.Placement.Load;

/// <summary>What the gates routed in one step. The arrays are read, never written.</summary>
public sealed class LoadSample
{
    /// <summary>Checks and keeps a sample. O(layers · experts).</summary>
    /// <param name="step">Number of the step.</param>
    /// <param name="tokens">By layer and expert: tokens routed to it, before drops.</param>
    /// <param name="dropped">By layer: tokens dropped for want of capacity; null for none.</param>
    /// <exception cref="PlacementException">A count is negative.</exception>
    public LoadSample(long step, IReadOnlyList<long[]> tokens, IReadOnlyList<long>? dropped = null)
    {
        for (int layer = 0; layer < tokens.Count; layer++)
        {
            int negative = Array.FindIndex(tokens[layer], count => count < 0);
            if (negative >= 0)
            {
                throw new PlacementException($"Step {step}, layer {layer}, expert {negative}: {tokens[layer][negative]} tokens; a count must not be negative.");
            }
        }

        Step = step;
        Tokens = [.. tokens];
        Dropped = dropped is null ? [.. new long[tokens.Count]] : [.. dropped];
    }

    /// <summary>Number of the step.</summary>
    public long Step { get; }

    /// <summary>By layer and expert: tokens routed to it, before drops.</summary>
    public ImmutableArray<long[]> Tokens { get; }

    /// <summary>By layer: tokens dropped for want of capacity.</summary>
    public ImmutableArray<long> Dropped { get; }
}

/// <summary>
/// The load of recent steps, newest last: what the director decides from. A sliding window of samples; their mean weighs each sample
/// half as much as the one that followed it <c>halfLife</c> samples later.
/// </summary>
/// <param name="length">Samples kept.</param>
/// <param name="halfLife">Samples after which a sample weighs half.</param>
public sealed class LoadWindow(int length = 8, double halfLife = 2)
{
    /// <summary>A sample gets weight 0 when this share of the layer's tokens has changed its expert since.</summary>
    private const double MostChanged = 0.3;

    private readonly Queue<LoadSample> _samples = new(length + 1);

    /// <summary>The samples, oldest first.</summary>
    public IReadOnlyCollection<LoadSample> Samples => _samples;

    /// <summary>The newest sample.</summary>
    /// <exception cref="InvalidOperationException">The window is empty.</exception>
    public LoadSample Newest => _samples.Last();

    /// <summary>Adds a sample and forgets the oldest beyond the window's length. O(1).</summary>
    /// <exception cref="PlacementException">The sample is no newer than the last one, or of another model.</exception>
    public void Add(LoadSample sample)
    {
        if (_samples.Count > 0 && sample.Step <= Newest.Step)
        {
            throw new PlacementException($"The load of step {sample.Step} comes after that of step {Newest.Step}; steps must ascend.");
        }

        if (_samples.Count > 0 && !sample.Tokens.Select(layer => layer.Length).SequenceEqual(Newest.Tokens.Select(layer => layer.Length)))
        {
            throw new PlacementException($"The load of step {sample.Step} has other layers or experts than that of step {Newest.Step}.");
        }

        _samples.Enqueue(sample);
        if (_samples.Count > length)
        {
            _samples.Dequeue();
        }
    }

    /// <summary>
    /// Weights of the samples as predictors of a layer's next step, newest first; the newest weighs 1. A sample's weight falls with its age, and with
    /// the difference between its shares and the newest ones, so that samples from before a sudden change do not count. O(samples · experts).
    /// </summary>
    public double[] Weights(int layer)
    {
        long[] newest = Newest.Tokens[layer];
        double newestSum = Math.Max(1, newest.Sum());
        double[] weights = new double[_samples.Count];
        foreach ((int age, LoadSample sample) in _samples.Reverse().Index())
        {
            long[] tokens = sample.Tokens[layer];
            double sum = Math.Max(1, tokens.Sum()), distance = 0;
            for (int expert = 0; expert < tokens.Length; expert++)
            {
                distance += Math.Abs((tokens[expert] / sum) - (newest[expert] / newestSum)) / 2;
            }

            weights[age] = Math.Pow(0.5, age / halfLife) * Math.Max(0, 1 - (distance / MostChanged));
        }

        return weights;
    }

    /// <summary>Tokens per step of every expert of a layer, the weighted mean of the window. O(samples · experts).</summary>
    /// <exception cref="InvalidOperationException">The window is empty.</exception>
    public double[] Mean(int layer)
    {
        double[] mean = new double[Newest.Tokens[layer].Length];
        double[] weights = Weights(layer);
        double sum = weights.Sum();
        foreach ((double weight, LoadSample sample) in weights.Zip(_samples.Reverse()))
        {
            for (int expert = 0; expert < mean.Length; expert++)
            {
                mean[expert] += weight / sum * sample.Tokens[layer][expert];
            }
        }

        return mean;
    }

    /// <summary>Tokens of a layer dropped per step, the plain mean of the window.</summary>
    public double MeanDropped(int layer) => _samples.Count == 0 ? 0 : _samples.Average(sample => (double)sample.Dropped[layer]);
}
