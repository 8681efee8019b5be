using MoEActors.Modules.Gates;
using MoEActors.Modules.Models;
using MoEActors.Tests.Native.Kernels;

namespace MoEActors.Tests.Support;

/// <summary>
/// The decoder in double precision, written from its definition, row by row. Which experts a token goes to is given: that choice has no
/// gradient, and has tests of its own.
/// </summary>
/// <param name="model">The model.</param>
/// <param name="parameters">Its parameters by full name.</param>
/// <param name="batch">A micro-batch.</param>
/// <param name="routes">By MoE layer: where tokens go.</param>
internal sealed class ExactDecoder(
    ModelConfiguration model, IReadOnlyDictionary<string, double[]> parameters, MicroBatch batch, IReadOnlyDictionary<int, ExactRoute> routes)
{
    private readonly int _headDim = model.Dim / model.Heads;

    /// <summary>Σ cross-entropy, and the weighted auxiliary losses, of the last pass.</summary>
    public (double CrossEntropy, double Auxiliary) Run()
    {
        double auxiliary = 0;
        double[][] stream = [.. batch.Inputs.Select(id => Row("embed_tokens", Math.Max(id, 0), model.Dim))];
        for (int layer = 0; layer < model.Layers; layer++)
        {
            string prefix = $"layers.{layer}.";
            double[][] attended = Attend(Norm(stream, $"{prefix}input_norm"), prefix);
            stream = Sum(stream, Times(attended, $"{prefix}o_proj", model.Dim));
            double[][] normed = Norm(stream, $"{prefix}post_attention_norm");
            stream = Sum(stream, model.Experts[layer] == 0
                ? [.. normed.Select(x => SwiGlu(x, $"{prefix}mlp."))]
                : Mix(normed, layer, ref auxiliary));
        }

        double crossEntropy = 0;
        double[][] logits = Times(Norm(stream, "norm"), "lm_head", model.Vocabulary);
        for (int t = 0; t < logits.Length; t++)
        {
            crossEntropy += batch.Targets[t] < 0 ? 0 : Exact.LogSumExp(logits[t]) - logits[t][batch.Targets[t]];
        }

        return (crossEntropy, auxiliary);
    }

    private double[][] Mix(double[][] x, int layer, ref double auxiliary)
    {
        GateOptions gate = model.Gate;
        ExactRoute route = routes[layer];
        int experts = model.Experts[layer];
        double[][] logits = Times(x, $"layers.{layer}.router", experts);
        double[][] result = [.. x.Select(row => new double[row.Length])];
        double[] shares = new double[experts];
        double z = 0;
        int valid = batch.Inputs.Count(id => id >= 0);
        for (int t = 0; t < x.Length; t++)
        {
            double[] scores = gate.Scores == GateScores.Softmax ? Exact.Softmax(logits[t]) : [.. logits[t].Select(Exact.Sigmoid)];
            if (batch.Inputs[t] < 0)
            {
                continue;
            }

            z += Math.Pow(Exact.LogSumExp(logits[t]), 2) / valid;
            shares = [.. shares.Zip(scores, (sum, score) => sum + score / scores.Sum() / valid)];
            int[] chosen = route.Choices[(t * gate.TopK)..((t + 1) * gate.TopK)];
            double divisor = gate.Renormalise && gate.TopK > 1 ? chosen.Sum(expert => scores[expert]) : 1;
            for (int j = 0; j < gate.TopK; j++)
            {
                if (route.Kept[t * gate.TopK + j])
                {
                    double[] y = RunExpert(x[t], $"layers.{layer}.experts.{chosen[j]}.");
                    double weight = scores[chosen[j]] / divisor;
                    result[t] = [.. result[t].Zip(y, (a, b) => a + weight * b)];
                }
            }
        }

        double balance = experts * shares.Select((share, expert) => share * route.FirstChoices[expert] / valid).Sum();
        auxiliary += valid == 0 ? 0 : gate.BalanceCoefficient * balance + gate.ZCoefficient * z;
        return result;
    }

    private double[] RunExpert(double[] x, string prefix) => model.Expert == "swiglu" ? SwiGlu(x, prefix) : Gelu(x, prefix);

    private double[] SwiGlu(double[] x, string prefix)
    {
        double[] both = Times(x, $"{prefix}gate_up", 2 * model.Hidden);
        double[] hidden = [.. both.Take(model.Hidden).Zip(both.Skip(model.Hidden), (gate, up) => Exact.Silu(gate) * up)];
        return Times(hidden, $"{prefix}down", model.Dim);
    }

    private double[] Gelu(double[] x, string prefix)
    {
        double[] hidden = [.. Times(x, $"{prefix}w1", model.Hidden).Zip(parameters[$"{prefix}b1"], (a, b) => Exact.Gelu(a + b))];
        return [.. Times(hidden, $"{prefix}w2", model.Dim).Zip(parameters[$"{prefix}b2"], (a, b) => a + b)];
    }

    private double[][] Attend(double[][] x, string prefix)
    {
        int queries = model.Heads * _headDim, keys = model.KeyValueHeads * _headDim;
        double[][] qkv = Times(x, $"{prefix}qkv_proj", queries + 2 * keys);
        double[][] result = [.. x.Select(_ => new double[queries])];
        for (int t = 0; t < x.Length; t++)
        {
            // Padding is not seen, and has no position; what it computes itself reaches nothing.
            int[] seen = [.. Enumerable.Range(t - t % batch.SequenceLength, t % batch.SequenceLength + 1).Where(s => batch.Inputs[s] >= 0)];
            if (batch.Documents is { } documents)
            {
                seen = [.. seen.Reverse().TakeWhile(s => documents[s] == documents[t]).Reverse()];
            }

            if (batch.Inputs[t] < 0)
            {
                continue;
            }

            int position = seen.Length - 1;
            for (int head = 0; head < model.Heads; head++)
            {
                int shared = head / (model.Heads / model.KeyValueHeads);
                double[] query = Rotate(Part(qkv[t], head), position);
                double[] scores = new double[position + 1];
                for (int s = 0; s <= position; s++)
                {
                    double[] key = Rotate(Part(qkv[seen[s]], model.Heads + shared), s);
                    scores[s] = Exact.Dot(query, key) / Math.Sqrt(_headDim);
                }

                double[] weights = Exact.Softmax(scores);
                for (int s = 0; s <= position; s++)
                {
                    double[] value = Part(qkv[seen[s]], model.Heads + model.KeyValueHeads + shared);
                    for (int i = 0; i < _headDim; i++)
                    {
                        result[t][head * _headDim + i] += weights[s] * value[i];
                    }
                }
            }
        }

        return result;
    }

    private double[] Rotate(double[] x, int position)
    {
        double[] rotated = new double[_headDim];
        int half = _headDim / 2;
        for (int i = 0; i < half; i++)
        {
            (double sine, double cosine) = Math.SinCos(position * Math.Pow(model.RopeTheta, -2.0 * i / _headDim));
            rotated[i] = x[i] * cosine - x[half + i] * sine;
            rotated[half + i] = x[half + i] * cosine + x[i] * sine;
        }

        return rotated;
    }

    private double[] Part(double[] row, int head) => row[(head * _headDim)..((head + 1) * _headDim)];

    private double[][] Norm(double[][] x, string name) => [.. x.Select(row => Exact.RmsNorm(row, parameters[name], model.RmsEpsilon))];

    private double[] Row(string name, int row, int columns) => parameters[name][(row * columns)..((row + 1) * columns)];

    private double[][] Times(double[][] x, string name, int columns) => [.. x.Select(row => Times(row, name, columns))];

    private double[] Times(double[] x, string name, int columns)
    {
        double[] weight = parameters[name];
        double[] y = new double[columns];
        for (int i = 0; i < x.Length; i++)
        {
            for (int j = 0; j < columns; j++)
            {
                y[j] += x[i] * weight[i * columns + j];
            }
        }

        return y;
    }

    private static double[][] Sum(double[][] a, double[][] b) => [.. a.Zip(b, (x, y) => x.Zip(y, (u, v) => u + v).ToArray())];
}
