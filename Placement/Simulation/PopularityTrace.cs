using MoEActors.Placement.Load;
using MoEActors.Placement.Map;

namespace MoEActors.Placement.Simulation;

/// <summary>
/// Traces from a popularity of any form, most of which no plan can foresee: counts with sampling noise and, where asked for, log-normal noise of each expert and sample.
/// O(steps · layers · experts).
/// </summary>
internal sealed class PopularityTrace(TraceOptions options)
{
    private readonly Random _random = new(unchecked((int)(options.Seed ^ (options.Seed >> 32))));

    private int Experts => options.Experts;

    /// <summary>Generates the trace.</summary>
    public LoadTrace Generate() => options.Kind switch
    {
        TraceKind.Walk => Sampled(0, () => Walk(1.2, 0.03)),
        TraceKind.Steep => Sampled(0, () => Walk(1.5, 0.01)),
        TraceKind.Neighbours => Sampled(0, () => Neighbours(0.01)),
        TraceKind.Restless => Sampled(0, () => Neighbours(0.03)),
        TraceKind.Bursts => Sampled(0.05, () => Neighbours(0.01, bursts: 0.0005, deaths: 0.0005)),
        TraceKind.Gliding => Sampled(0, () => Gliding(options.Period ?? 300)),
        TraceKind.Waves => Sampled(0, () => Waves(options.Period ?? 400)),
        TraceKind.Exchanges => Sampled(0, () => Exchanges(1.2, options.Period ?? 20)),
        TraceKind.Rotation => Sampled(0, () => Rotation(1.3, options.Period ?? 100)),
        TraceKind.Even => Sampled(0, () => _ => Even()),
        TraceKind.Outliers => Sampled(0, () => _ => [.. Even().Select(one => _random.NextDouble() < 0.02 ? 4 * one : one)]),
        _ => throw new PlacementException($"A trace of kind {options.Kind} does not follow from a popularity."),
    };

    private double[] Even() => [.. Enumerable.Repeat(1.0, Experts)];

    /// <param name="noise">Standard deviation of log-popularity from sample to sample, unless the options have one.</param>
    /// <param name="popularity">Makes a layer's popularity by step.</param>
    private LoadTrace Sampled(double noise, Func<Func<int, double[]>> popularity)
    {
        Func<int, double[]>[] all = [.. Enumerable.Range(0, options.Layers).Select(_ => popularity())];
        List<LoadSample> rows = [];
        for (int step = 0; step < options.Steps; step++)
        {
            double[][] now = [.. all.Select(layer => layer(step))];
            if (step % options.Interval == 0)
            {
                rows.Add(new LoadSample(step, [.. now.Select(layer => Count(layer, options.Tokens, options.Noise ?? noise))]));
            }
        }

        return new LoadTrace(rows);
    }

    private long[] Count(double[] popularity, long tokens, double noise)
    {
        double[] noisy = [.. popularity.Select(one => one * Math.Exp(noise * Normal()))];
        double sum = noisy.Sum();
        return [.. noisy.Select(one => one / sum * tokens).Select(mean => Math.Max(0, (long)Math.Round(mean + (Math.Sqrt(mean) * Normal()))))];
    }

    /// <summary>Zipf-like; log-popularity walks at one pace.</summary>
    private Func<int, double[]> Walk(double exponent, double pace)
    {
        int[] ranks = Shuffled();
        double[] walk = new double[Experts];
        return _ =>
        {
            for (int expert = 0; expert < Experts; expert++)
            {
                walk[expert] = (0.999 * walk[expert]) + (pace * Normal());
            }

            return [.. ranks.Zip(walk, (rank, log) => Math.Pow(rank + 1, -exponent) * Math.Exp(log))];
        };
    }

    /// <summary>Experts of a worker are hot together; chaotic at first; some experts burst, some die and come back.</summary>
    private Func<int, double[]> Neighbours(double pace, double bursts = 0, double deaths = 0)
    {
        const int Group = 4;
        const double Spread = 0.8, Young = 0.1, Decay = 150, Burst = 1.5, Death = 6;
        double[] groups = [.. Enumerable.Range(0, (Experts + Group - 1) / Group).Select(_ => Spread * Normal())];
        double[] own = [.. Enumerable.Range(0, Experts).Select(_ => Spread * Normal())];
        double[] burst = new double[Experts];
        bool[] dead = new bool[Experts];
        return step =>
        {
            double now = pace + ((Young - pace) * Math.Exp(-step / Decay)), kept = 1 - (now * now / 2);
            for (int group = 0; group < groups.Length; group++)
            {
                groups[group] = (kept * groups[group]) + (now * Spread * Normal());
            }

            for (int expert = 0; expert < Experts; expert++)
            {
                own[expert] = (kept * own[expert]) + (now * Spread * Normal());
                burst[expert] = _random.NextDouble() < bursts ? Burst : 0.93 * burst[expert];
                dead[expert] = dead[expert] ? _random.NextDouble() > 0.01 : _random.NextDouble() < deaths;
            }

            return [.. own.Index().Select(one => Math.Exp(groups[one.Index / Group] + one.Item + burst[one.Index] - (dead[one.Index] ? Death : 0)))];
        };
    }

    /// <summary>From one Zipf-like popularity straight to another, and on.</summary>
    private Func<int, double[]> Gliding(int period)
    {
        int[] from = Shuffled(), to = Shuffled();
        return step =>
        {
            if (step > 0 && step % period == 0)
            {
                (from, to) = (to, Shuffled());
            }

            double part = step % period / (double)period;
            return [.. from.Zip(to, (before, after) => ((1 - part) * Math.Pow(before + 1, -1.3)) + (part * Math.Pow(after + 1, -1.3)))];
        };
    }

    /// <summary>Every expert waxes and wanes at its own pace.</summary>
    private Func<int, double[]> Waves(double period)
    {
        (double Phase, double Period)[] waves = [.. Enumerable.Range(0, Experts).Select(_ => (6.3 * _random.NextDouble(), period * (0.5 + _random.NextDouble())))];
        return step => [.. waves.Select(wave => Math.Exp(1.3 * Math.Sin(wave.Phase + (2 * Math.PI * step / wave.Period))))];
    }

    /// <summary>Zipf-like; every so many steps two neighbours in rank change places.</summary>
    private Func<int, double[]> Exchanges(double exponent, int period)
    {
        int[] ranks = Shuffled();
        return step =>
        {
            if (step > 0 && step % period == 0)
            {
                int rank = _random.Next(Math.Max(1, Experts - 1)), upper = Array.IndexOf(ranks, rank), lower = Array.IndexOf(ranks, rank + 1);
                (ranks[upper], ranks[lower]) = (ranks[lower], ranks[upper]);
            }

            return [.. ranks.Select(rank => Math.Pow(rank + 1, -exponent))];
        };
    }

    /// <summary>Zipf-like; every so many steps the hottest expert changes places with any other, without warning.</summary>
    private Func<int, double[]> Rotation(double exponent, int period)
    {
        int[] ranks = Shuffled();
        return step =>
        {
            if (step > 0 && step % period == 0)
            {
                int hottest = Array.IndexOf(ranks, 0), other = _random.Next(Experts);
                (ranks[hottest], ranks[other]) = (ranks[other], ranks[hottest]);
            }

            return [.. ranks.Select(rank => Math.Pow(rank + 1, -exponent))];
        };
    }

    private int[] Shuffled()
    {
        int[] order = [.. Enumerable.Range(0, Experts)];
        _random.Shuffle(order);
        return order;
    }

    private double Normal() => Math.Sqrt(-2 * Math.Log(1 - _random.NextDouble())) * Math.Cos(2 * Math.PI * _random.NextDouble());
}
