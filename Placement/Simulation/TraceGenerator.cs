using MoEActors.Placement.Load;

namespace MoEActors.Placement.Simulation;

/// <summary>Options of a generated trace.</summary>
public sealed record TraceOptions
{
    /// <summary>How popularity behaves.</summary>
    public TraceKind Kind { get; init; } = TraceKind.Drift;

    /// <summary>Mixture-of-experts layers.</summary>
    public int Layers { get; init; } = 24;

    /// <summary>Experts of each layer.</summary>
    public int Experts { get; init; } = 32;

    /// <summary>Steps of the run.</summary>
    public int Steps { get; init; } = 1500;

    /// <summary>Every so many steps one is sampled.</summary>
    public int Interval { get; init; } = 10;

    /// <summary>Tokens routed in a layer and step, all choices counted.</summary>
    public int Tokens { get; init; } = 65_536;

    /// <summary>Same seed, same trace.</summary>
    public ulong Seed { get; init; } = 1;

    /// <summary>Steps from one change to the next, of the kinds that change at intervals (gliding, waves, exchanges, rotation); the kind's own if null.</summary>
    public int? Period { get; init; }

    /// <summary>Log-normal noise of each expert and sample, relative, of the kinds from walk on; the kind's own if null.</summary>
    public double? Noise { get; init; }
}

/// <summary>How the popularity of experts behaves in a generated trace.</summary>
public enum TraceKind
{
    /// <summary>Zipf-like popularity that drifts, fast at first and slowly later, as in a young run.</summary>
    Drift,

    /// <summary>Zipf-like popularity whose experts exchange their ranks at once, half-way.</summary>
    Swap,

    /// <summary>Popularity that grows from uniform to Zipf-like while it drifts.</summary>
    Growth,

    /// <summary>Every expert equally popular; counts fluctuate as those of correlated text do.</summary>
    Uniform,

    /// <summary>Zipf-like popularity that walks at one pace.</summary>
    Walk,

    /// <summary>As <see cref="Walk"/>, steeper and slower.</summary>
    Steep,

    /// <summary>The experts of a worker are hot together; chaotic at first, then drifting slowly.</summary>
    Neighbours,

    /// <summary>As <see cref="Neighbours"/>, drifting faster.</summary>
    Restless,

    /// <summary>As <see cref="Neighbours"/>; besides, experts burst, die and come back, and counts have noise.</summary>
    Bursts,

    /// <summary>From one Zipf-like order straight to another within a period.</summary>
    Gliding,

    /// <summary>Each expert waxes and wanes, with periods of its own about the given one.</summary>
    Waves,

    /// <summary>Zipf-like; after every period two neighbours in rank change places.</summary>
    Exchanges,

    /// <summary>Zipf-like; after every period the hottest expert changes places with any other, without warning.</summary>
    Rotation,

    /// <summary>Every expert equally popular; counts fluctuate as those of independent tokens do.</summary>
    Even,

    /// <summary>As <see cref="Even"/>; one count in fifty is four times as high.</summary>
    Outliers,
}

/// <summary>
/// Traces for tests and documentation. Popularity is a softmax: log-popularity is −s · ln(rank) (Zipf, s = 1.25) plus a mean-reverting
/// random walk; the counts of a step fluctuate around it as sampled tokens of correlated text do. O(steps · layers · experts).
/// </summary>
public static class TraceGenerator
{
    /// <summary>Zipf's exponent: 8 workers of 4 experts each then carry up to 3.0–3.5 times the mean.</summary>
    private const double Exponent = 1.25;

    /// <summary>Standard deviation per step of the walk of log-popularity: at the first step, and what it decays towards.</summary>
    private const double YoungDrift = 0.10, SettledDrift = 0.008;

    /// <summary>Steps in which the drift decays to a third.</summary>
    private const double DriftDecay = 150;

    /// <summary>Part of the walk that is kept from one step to the next.</summary>
    private const double Memory = 0.998;

    /// <summary>Tokens that count as one draw: neighbouring tokens of a text choose alike.</summary>
    private const double Correlated = 8;

    /// <summary>Generates a trace; the same options give the same one.</summary>
    public static LoadTrace Generate(TraceOptions options)
    {
        if (options.Kind > TraceKind.Uniform)
        {
            return new PopularityTrace(options).Generate();
        }

        Random random = new(unchecked((int)(options.Seed ^ (options.Seed >> 32))));
        double[][] walk = [.. Enumerable.Range(0, options.Layers).Select(_ => new double[options.Experts])];
        int[][] ranks = [.. Enumerable.Range(0, options.Layers).Select(_ => Shuffled(random, options.Experts))];
        List<LoadSample> rows = [];
        for (int step = 0; step < options.Steps; step++)
        {
            double skew = options.Kind switch
            {
                TraceKind.Uniform => 0,
                TraceKind.Growth => Math.Min(1, 2.0 * step / options.Steps),
                _ => 1,
            };
            double drift = options.Kind == TraceKind.Uniform ? 0 : SettledDrift + ((YoungDrift - SettledDrift) * Math.Exp(-step / DriftDecay));
            foreach (double[] layer in walk)
            {
                for (int expert = 0; expert < layer.Length; expert++)
                {
                    layer[expert] = (Memory * layer[expert]) + (drift * Normal(random));
                }
            }

            if (options.Kind == TraceKind.Swap && step == options.Steps / 2)
            {
                ranks = [.. ranks.Select(_ => Shuffled(random, options.Experts))];
            }

            if (step % options.Interval == 0)
            {
                rows.Add(new LoadSample(step, [.. walk.Select((layer, index) => Count(random, layer, ranks[index], skew, options.Tokens))]));
            }
        }

        return new LoadTrace(rows);
    }

    private static long[] Count(Random random, double[] walk, int[] ranks, double skew, int tokens)
    {
        double[] popularity = new double[walk.Length];
        for (int expert = 0; expert < walk.Length; expert++)
        {
            popularity[expert] = Math.Exp(skew * (walk[expert] - (Exponent * Math.Log(ranks[expert] + 1))));
        }

        double sum = popularity.Sum();
        long[] counts = new long[walk.Length];
        for (int expert = 0; expert < walk.Length; expert++)
        {
            double mean = popularity[expert] / sum * tokens;
            counts[expert] = Math.Max(0, (long)Math.Round(mean + (Math.Sqrt(mean * Correlated) * Normal(random))));
        }

        return counts;
    }

    private static int[] Shuffled(Random random, int count)
    {
        int[] order = [.. Enumerable.Range(0, count)];
        random.Shuffle(order);
        return order;
    }

    private static double Normal(Random random) =>
        Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());
}
