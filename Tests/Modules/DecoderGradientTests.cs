using MoEActors.Modules.Gates;
using MoEActors.Modules.MixtureOfExperts;
using MoEActors.Modules.Models;
using MoEActors.Modules.Parameters;
using MoEActors.Native;
using MoEActors.Native.Cpu;
using MoEActors.Native.Memory;
using MoEActors.Tests.Native.Kernels;
using MoEActors.Tests.Support;

namespace MoEActors.Tests.Modules;

/// <summary>Loss and gradients of the whole decoder against its definition in double precision, by central differences.</summary>
public sealed class DecoderGradientTests
{
    private const double Tolerance = 2e-4;
    private const double Step = 1e-4;
    private const float AuxiliaryScale = 0.5f;
    private const int Samples = 10;

    private static readonly ModelConfiguration Small = new()
    {
        Vocabulary = 13,
        Dim = 12,
        Heads = 2,
        KeyValueHeads = 1,
        Hidden = 7,
        Experts = [3, 0, 4],
        MaximumSequence = 6,
    };

    /// <summary>Padding behind a sequence, in front, in the middle, between documents, and nothing else in one.</summary>
    private static readonly Dictionary<string, MicroBatch> Batches = new()
    {
        ["behind"] = new([1, 5, 2, 7, 12, 3, 3, -1, 0, 4, 9, 9], [5, 2, -1, 12, 3, -1, -1, -1, 4, 9, 9, 11], 4),
        ["in front"] = new([-1, 5, 2, 7, -1, -1, 3, 12, 0, 4, 9, 9], [-1, 2, -1, 12, -1, -1, 12, 4, 4, 9, 9, 11], 4),
        ["in the middle"] = new([1, -1, -1, 7, 12, -1, 3, -1, 0, 4, 9, 9], [5, -1, -1, 12, 3, -1, -1, -1, 4, 9, 9, 11], 4),
        ["between documents"] = new([1, 5, -1, 7, 12, 3, 3, 8, 0, 4, 9, 9], [5, 2, -1, 12, 3, -1, 4, 2, 4, 9, 9, 11], 6)
        {
            // The third document of the second sequence has the number of the first.
            Documents = [0, 0, 9, 0, 3, 3, 7, 8, 8, 7, 7, 7],
        },
        ["a whole sequence"] = new([1, 5, 2, 7, -1, -1, -1, -1, 0, -1, 9, 9], [5, 2, -1, 12, -1, -1, -1, -1, 4, -1, 9, 11], 4),
    };

    public static TheoryData<string, int, GateScores, bool, float, int, int> Cases => new()
    {
        { "swiglu", 2, GateScores.Softmax, true, 0f, 2, 1 },
        { "swiglu", 1, GateScores.Softmax, true, 0f, 3, 3 },
        { "gelu", 3, GateScores.Softmax, true, 0.7f, 2, 2 },
        { "gelu", 2, GateScores.Sigmoid, true, 0f, 6, 3 },
        { "swiglu", 2, GateScores.Sigmoid, false, 1f, 6, 2 },
        { "gelu", 2, GateScores.Softmax, false, -2f, 2, 1 },
    };

    [Theory, MemberData(nameof(Cases))]
    public void Gradients_are_those_of_the_definition(
        string expert, int topK, GateScores scores, bool renormalise, float capacity, int heads, int keyValueHeads)
    {
        using var device = new CpuDevice();
        Check(device, expert, topK, scores, renormalise, capacity, heads, keyValueHeads);
    }

    [Fact]
    public void A_token_sees_its_own_document_alone()
    {
        using var device = new CpuDevice();
        Check(device, "swiglu", 2, GateScores.Softmax, renormalise: true, capacity: 0f, heads: 3, keyValueHeads: 3, "between documents");
        Check(device, "gelu", 2, GateScores.Sigmoid, renormalise: true, capacity: 0f, heads: 2, keyValueHeads: 1, "between documents");
    }

    [Theory, InlineData("in front"), InlineData("in the middle"), InlineData("a whole sequence")]
    public void Padding_is_no_context_wherever_it_stands(string where)
    {
        using var device = new CpuDevice();
        Check(device, "swiglu", 2, GateScores.Softmax, renormalise: true, capacity: 0f, heads: 3, keyValueHeads: 3, where);
        Check(device, "gelu", 2, GateScores.Sigmoid, renormalise: true, capacity: 0f, heads: 2, keyValueHeads: 1, where);
    }

    /// <summary>The gradients of a model on some device.</summary>
    /// <param name="device">The device, which computes in fp32.</param>
    /// <param name="expert">What an expert computes.</param>
    /// <param name="topK">Experts of a token.</param>
    /// <param name="scores">How logits become scores.</param>
    /// <param name="renormalise">Whether weights are divided by their sum.</param>
    /// <param name="capacity">The capacity factor.</param>
    /// <param name="heads">Query heads.</param>
    /// <param name="keyValueHeads">Key and value heads.</param>
    /// <param name="padding">Where padding stands.</param>
    internal static void Check(
        IDevice device, string expert, int topK, GateScores scores, bool renormalise, float capacity, int heads, int keyValueHeads, string padding = "behind")
    {
        MicroBatch batch = Batches[padding];
        ModelConfiguration configuration = Small with
        {
            Expert = expert,
            Heads = heads,
            KeyValueHeads = keyValueHeads,
            Gate = new GateOptions
            {
                TopK = topK,
                Scores = scores,
                Renormalise = renormalise,
                CapacityFactor = capacity,
                BalanceCoefficient = 0.3f,
                ZCoefficient = 0.1f,
            },
        };
        configuration.Validate();
        using var arena = new Arena(device);
        var random = new Random(expert.Length * 100 + topK);
        using var dense = new ParameterBlock(device, "", ModelLayout.Dense(configuration));
        Dictionary<(int, int), ParameterBlock> experts = [];
        foreach (int layer in configuration.MoELayers)
        {
            for (int e = 0; e < configuration.Experts[layer]; e++)
            {
                experts.Add((layer, e), new ParameterBlock(device, ModelLayout.ExpertPrefix(layer, e), ModelLayout.Expert(configuration)));
            }
        }

        ParameterBlock[] blocks = [dense, .. experts.Values];
        Array.ForEach(blocks, block => Fill(device, random, block));
        using var model = new DecoderModel(configuration, device, arena, dense, layer => new SingleProcessExchange(
            [.. Enumerable.Range(0, configuration.Experts[layer]).Select(e => experts[(layer, e)].Parameters)]));

        float lossScale = 1f / batch.TargetCount;
        MicroBatchLoss loss = model.Train(batch, lossScale, AuxiliaryScale);

        Dictionary<string, double[]> values = blocks.SelectMany(block => block.Parameters.Select(parameter =>
            (Name: block.Prefix + parameter.Shape.Name, parameter))).ToDictionary(entry => entry.Name, entry => Values.Doubles(device.ToArray(entry.parameter.Vector)));
        Dictionary<int, ExactRoute> routes = configuration.MoELayers.ToDictionary(layer => layer, layer => Route(device, model.RoutingOf(layer)!, batch));
        var exact = new ExactDecoder(configuration, values, batch, routes);
        (double crossEntropy, double auxiliary) = exact.Run();
        Assert.Equal(crossEntropy, loss.CrossEntropySum, Tolerance * crossEntropy);
        Assert.Equal(auxiliary, loss.Auxiliary, Tolerance * auxiliary);
        Assert.True(capacity == 0 || routes.Values.Any(route => route.Kept.Contains(false)), "No token was dropped.");

        foreach (ParameterBlock block in blocks)
        {
            // A choice bias is balanced, not trained: what stands in its gradient is the count of choices.
            foreach (Parameter parameter in block.Parameters.Where(parameter => parameter.Shape.Trained))
            {
                string name = block.Prefix + parameter.Shape.Name;
                float[] gradient = device.ToArray(parameter.GradientVector);
                double scale = gradient.Max(Math.Abs);
                Check(name, values[name], gradient, scale, random, () =>
                {
                    (double sum, double extra) = exact.Run();
                    return lossScale * sum + AuxiliaryScale * extra;
                });
            }
        }

        foreach (ParameterBlock block in experts.Values)
        {
            block.Dispose();
        }
    }

    private static void Check(string name, double[] values, float[] gradient, double scale, Random random, Func<double> loss)
    {
        // The largest element for sure, and some at random.
        int largest = Array.FindIndex(gradient, value => Math.Abs(value) == scale);
        foreach (int i in Enumerable.Range(0, Samples).Select(_ => random.Next(gradient.Length)).Append(largest))
        {
            double value = values[i];
            values[i] = value + Step;
            double above = loss();
            values[i] = value - Step;
            double difference = (above - loss()) / (2 * Step);
            values[i] = value;
            Assert.True(
                Math.Abs(difference - gradient[i]) <= Tolerance * scale + 1e-7,
                $"Gradient of {name}[{i}] is {gradient[i]:R}, should be {difference:R}; the largest is {scale:R}.");
        }
    }

    /// <summary>A model routes the tokens of a sequence in front of its padding; the definition has them where they stand.</summary>
    private static ExactRoute Route(IDevice device, Routing routing, MicroBatch batch)
    {
        int[] chosen = device.ToArray(routing.Choices), held = device.ToArray(routing.Kept);
        int[] choices = [.. Enumerable.Repeat(-1, batch.Inputs.Length * routing.K)];
        bool[] kept = new bool[choices.Length];
        for (int start = 0; start < batch.Inputs.Length; start += batch.SequenceLength)
        {
            int row = start;
            foreach (int token in Enumerable.Range(start, batch.SequenceLength).Where(token => batch.Inputs[token] >= 0))
            {
                chosen.AsSpan(row * routing.K, routing.K).CopyTo(choices.AsSpan(token * routing.K));
                for (int j = 0; j < routing.K; j++)
                {
                    kept[token * routing.K + j] = held[row * routing.K + j] != 0;
                }

                row++;
            }
        }

        return new(choices, kept, [.. routing.FirstChoices]);
    }

    private static void Fill(IDevice device, Random random, ParameterBlock block)
    {
        foreach (Parameter parameter in block.Parameters)
        {
            bool isScale = parameter.Shape.Name.EndsWith("norm", StringComparison.Ordinal);
            float[] values = Values.Vector(random, parameter.Shape.Count, 0.4);
            float[] filled = isScale ? [.. values.Select(value => 1 + value / 2)] : values;
            device.Write(filled, parameter.Vector);
        }
    }
}
