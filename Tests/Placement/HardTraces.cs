using MoEActors.Placement.Load;
using MoEActors.Placement.Simulation;

namespace MoEActors.Tests.Placement;

/// <summary>
/// Loads that the planners were not tuned on, sampled every 10 steps: counts of 32 experts from a popularity of any form, with sampling noise
/// and, where given, log-normal noise of each expert and sample.
/// </summary>
internal sealed class HardTraces(int seed)
{
    private const int Experts = 32, Interval = 10, Steps = 1500;

    private readonly Random _random = new(seed);

    /// <summary>A trace of a kind.</summary>
    public LoadTrace Make(string kind, int layers) => kind switch
    {
        "walk" => Sampled(layers, 65_536, 0, () => Walk(1.2, 0.03)),
        "steep" => Sampled(layers, 65_536, 0, () => Walk(1.5, 0.01)),
        "few tokens" => Sampled(layers, 4096, 0, () => Walk(1.2, 0.01), first: 5),
        "neighbours" => Sampled(layers, 65_536, 0, () => Neighbours(0.01)),
        "noisy neighbours" => Sampled(layers, 65_536, 0.1, () => Neighbours(0.01), first: 1),
        "bursts" => Sampled(layers, 65_536, 0.05, () => Neighbours(0.01, bursts: 0.0005, deaths: 0.0005)),
        "restless" => Sampled(layers, 65_536, 0, () => Neighbours(0.03)),
        "gliding" => Sampled(layers, 65_536, 0, () => Gliding(300)),
        "waves" => Sampled(layers, 65_536, 0, Waves),
        "exchanges" => Sampled(layers, 65_536, 0, () => Exchanges(1.2, 20)),
        "rotation" => Sampled(layers, 65_536, 0, () => Rotation(1.3, 100)),
        "quick rotation" => Sampled(layers, 65_536, 0, () => Rotation(1.3, 40)),
        "even" => Sampled(layers, 65_536, 0, () => _ => Even),
        "even, bursts" => Sampled(layers, 65_536, 0.25, () => _ => Even),
        "even, outliers" => Sampled(layers, 65_536, 0, () => _ => [.. Even.Select(one => _random.NextDouble() < 0.02 ? 4 * one : one)]),
        "even, few tokens" => Sampled(layers, 1024, 0, () => _ => Even),
        _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, "No such trace."),
    };

    private static double[] Even { get; } = [.. Enumerable.Repeat(1.0, Experts)];

    private LoadTrace Sampled(int layers, long tokens, double noise, Func<Func<int, double[]>> popularity, int first = 0)
    {
        Func<int, double[]>[] all = [.. Enumerable.Range(0, layers).Select(_ => popularity())];
        List<LoadSample> rows = [];
        for (int step = 0; step < Steps; step++)
        {
            double[][] now = [.. all.Select(layer => layer(step))];
            if (step % Interval == 0)
            {
                rows.Add(new LoadSample(first + step, [.. now.Select(layer => Count(layer, tokens, noise))]));
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
        double[] groups = [.. Enumerable.Range(0, Experts / Group).Select(_ => Spread * Normal())];
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
    private Func<int, double[]> Waves()
    {
        (double Phase, double Period)[] waves = [.. Enumerable.Range(0, Experts).Select(_ => (6.3 * _random.NextDouble(), 400 * (0.5 + _random.NextDouble())))];
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
                int rank = _random.Next(Experts - 1), upper = Array.IndexOf(ranks, rank), lower = Array.IndexOf(ranks, rank + 1);
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
