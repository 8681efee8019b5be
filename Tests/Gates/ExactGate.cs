using MoEActors.Modules.Gates;
using MoEActors.Native.Operations;
using MoEActors.Tests.Native.Kernels;

namespace MoEActors.Tests.Gates;

/// <summary>
/// Every gate in double precision, written from its formula, token by token. Parameters and input are given by name, so that
/// <see cref="Objective"/> can be differentiated by differences; choices and shares are fixed there, as they are constants in backward.
/// </summary>
internal sealed class ExactGate(GateCase gate)
{
    private const int E = GateCase.Experts;

    private readonly GateOptions _options = gate.Options;

    public int[][] Choices { get; private set; } = [];

    /// <summary>Choices that find no slot, as (row, expert).</summary>
    public HashSet<(int Row, int Expert)> Dropped { get; } = [];

    private int Tokens => gate.Valid.Sum();

    private bool Sigmoid => _options.Scores == GateScores.Sigmoid;

    /// <summary>Chooses, from the given tensors, and gives slots.</summary>
    public void Route(Dictionary<string, double[]> tensors)
    {
        double[][] logits = Noisy(Logits(tensors)), scores = Scores(logits);
        double[] bias = tensors.GetValueOrDefault("router_bias", new double[E]);
        if (_options.Kind == "expert-choice")
        {
            Choices = [.. Enumerable.Repeat(Array.Empty<int>(), GateCase.Rows)];
            int count = Math.Min(_options.Capacity(Tokens, E), Tokens);
            for (int e = 0; e < E; e++)
            {
                foreach (int t in Valid().OrderByDescending(t => scores[t][e]).ThenBy(t => t).Take(count))
                {
                    Choices[t] = [.. Choices[t], e];
                }
            }

            return;
        }

        Choices = [.. scores.Select((row, t) => gate.Valid[t] == 0 ? [] : Best([.. row.Select((s, e) => s + bias[e])]))];
        if (gate.RandomKey is { } key && _options.SecondChoiceNoise > 0)
        {
            ulong stream = CounterRandom.Derive(key, (ulong)RandomStream.SecondChoice);
            Choices = [.. Choices.Select((row, t) => row.Length == 0 ? row : DrawSecond(row, Allowed(scores[t]), logits[t], CounterRandom.Next(stream, (ulong)t)))];
        }

        GiveSlots(scores);
    }

    /// <summary>Weights of the choices.</summary>
    public double[][] Weights(Dictionary<string, double[]> tensors) => Weigh(Scores(Noisy(Logits(tensors))));

    /// <summary>The balance loss, with the shares of the choices made.</summary>
    public double Balance(Dictionary<string, double[]> tensors)
    {
        double[][] logits = Logits(tensors), noisy = Noisy(logits);
        if (_options.Kind == "expert-choice")
        {
            return 0;
        }

        if (_options.Balance == BalanceLossKind.LoadImportance)
        {
            double deviation = _options.Noise / E;
            double[][] p = Scores(logits);
            return 0.5 * (SquaredVariation(e => Valid().Sum(t => p[t][e]))
                + SquaredVariation(e => Valid().Sum(t => Exact.NormalCumulative((logits[t][e] - noisy[t][Choices[t][^1]]) / deviation))));
        }

        double[][] scores = Scores(noisy);
        int counted = _options.Balance == BalanceLossKind.AllChoices ? _options.TopK : 1;
        return E * Enumerable.Range(0, E).Sum(e =>
            Valid().Average(t => scores[t][e] / (Sigmoid ? scores[t].Sum() : 1)) * Valid().Sum(t => Choices[t].Take(counted).Count(c => c == e))
            / (counted * Tokens));
    }

    /// <summary>Σ over the tokens of the entropy of their scores.</summary>
    public double EntropySum(Dictionary<string, double[]> tensors)
    {
        double[][] scores = Scores(Noisy(Logits(tensors)));
        return Valid().Sum(t => -scores[t].Select(s => s / scores[t].Sum()).Sum(p => p * Math.Log(p)));
    }

    public double Z(Dictionary<string, double[]> tensors)
    {
        double[][] noisy = Noisy(Logits(tensors));
        return Valid().Average(t => Math.Pow(Exact.LogSumExp(noisy[t]), 2));
    }

    /// <summary>Σ weights·dWeights + the weighted losses: its gradient is what backward computes.</summary>
    public double Objective(Dictionary<string, double[]> tensors, double[][] dWeights) =>
        Weights(tensors).Zip(dWeights, Exact.Dot).Sum()
        + GateCase.AuxiliaryScale * (_options.BalanceCoefficient * Balance(tensors) + _options.ZCoefficient * Z(tensors));

    private IEnumerable<int> Valid() => Enumerable.Range(0, GateCase.Rows).Where(t => gate.Valid[t] != 0);

    private double[][] Logits(Dictionary<string, double[]> tensors)
    {
        double[][] x = Split(tensors["x"], GateCase.Dim);
        if (gate.RandomKey is { } key && _options.Jitter > 0)
        {
            ulong stream = CounterRandom.Derive(key, (ulong)RandomStream.Jitter);
            x = [.. x.Select((row, t) => row.Select((v, i) => v * (1 + _options.Jitter * (2 * CounterRandom.Uniform(CounterRandom.Next(stream, (ulong)t), (ulong)i) - 1))).ToArray())];
        }

        if (_options.Kind != "cosine")
        {
            return Times(x, tensors["router"], E);
        }

        double factor = Math.Exp(Math.Min(tensors["router_temperature"][0], Math.Log(100)));
        double[][] experts = Split(tensors["router_embedding"], _options.ProjectionDim);
        return
        [
            .. Times(x, tensors["router_projection"], _options.ProjectionDim)
                .Select(token => experts.Select(expert => factor * Cosine(token, expert)).ToArray()),
        ];
    }

    private double[][] Noisy(double[][] logits)
    {
        if (gate.RandomKey is not { } key || _options.Noise == 0)
        {
            return logits;
        }

        ulong stream = CounterRandom.Derive(key, (ulong)RandomStream.Noise);
        return
        [
            .. logits.Select((row, t) => row.Select((v, e) =>
            {
                (double even, double odd) = CounterRandom.NormalPair(CounterRandom.Next(stream, (ulong)t), (ulong)(e & ~1));
                return v + _options.Noise / E * (float)(e % 2 == 0 ? even : odd);
            }).ToArray()),
        ];
    }

    private double[][] Scores(double[][] logits) => [.. logits.Select(row => Sigmoid ? [.. row.Select(Exact.Sigmoid)] : Exact.Softmax(row))];

    private int[] Best(double[] values) => [.. Allowed(values).OrderByDescending(e => values[e]).ThenBy(e => e).Take(_options.TopK)];

    /// <summary>The experts of the best groups.</summary>
    private int[] Allowed(double[] values)
    {
        int members = E / _options.Groups;
        int[] groups =
        [
            .. Enumerable.Range(0, _options.Groups)
                .OrderByDescending(g => values.Skip(g * members).Take(members).OrderDescending().Take(2).Sum()).Take(_options.TopGroups),
        ];
        return [.. Enumerable.Range(0, E).Where(e => groups.Contains(e / members))];
    }

    /// <summary>The first, then the best of a + γ·G among the others, then the best of what remains.</summary>
    private int[] DrawSecond(int[] row, int[] allowed, double[] logits, ulong stream)
    {
        int second = allowed.Where(e => e != row[0])
            .MaxBy(e => logits[e] + _options.SecondChoiceNoise * -Math.Log(-Math.Log(CounterRandom.Uniform(stream, (ulong)e))));
        return [row[0], second, .. row.Where(e => e != row[0] && e != second).Take(row.Length - 2)];
    }

    private double[][] Weigh(double[][] scores)
    {
        bool divide = _options.Renormalise && _options.TopK > 1 && _options.Kind != "expert-choice";
        return [.. Choices.Select((row, t) => row.Select(e => _options.RoutedScale * scores[t][e] / (divide ? row.Sum(c => scores[t][c]) : 1)).ToArray())];
    }

    private void GiveSlots(double[][] scores)
    {
        IEnumerable<int> order = Valid();
        if (_options.Priority == SlotPriority.Score)
        {
            order = order.OrderByDescending(t => Choices[t].Max(e => scores[t][e])).ThenBy(t => t);
        }
        else if (_options.Priority == SlotPriority.Random && gate.RandomKey is { } key)
        {
            ulong stream = CounterRandom.Derive(key, (ulong)RandomStream.Slots);
            order = order.OrderBy(t => CounterRandom.Next(stream, (ulong)t));
        }

        int capacity = _options.Capacity(Tokens, E);
        var taken = new int[E];
        for (int j = 0; j < _options.TopK; j++)
        {
            foreach (int t in order)
            {
                if (taken[Choices[t][j]]++ >= capacity)
                {
                    Dropped.Add((t, Choices[t][j]));
                }
            }
        }
    }

    private static double SquaredVariation(Func<int, double> value)
    {
        double[] values = [.. Enumerable.Range(0, E).Select(value)];
        double mean = values.Average();
        return values.Average(v => (v - mean) * (v - mean)) / (mean * mean);
    }

    private static double Cosine(double[] a, double[] b) => Exact.Dot(a, b) / Math.Sqrt(Exact.Dot(a, a) * Exact.Dot(b, b));

    private static double[][] Split(double[] values, int columns) => [.. values.Chunk(columns)];

    private static double[][] Times(double[][] x, double[] weight, int columns) =>
        [.. x.Select(row => Enumerable.Range(0, columns).Select(j => row.Select((v, i) => v * weight[i * columns + j]).Sum()).ToArray())];
}
