using System.Text.Json;
using MoEActors.Modules.Gates;
using MoEActors.Modules.Models;
using MoEActors.Modules.Parameters;
using MoEActors.Native;
using MoEActors.Native.Communication;
using MoEActors.Native.Cpu;
using MoEActors.Native.Memory;
using MoEActors.Placement.Map;
using MoEActors.Tests.Support;
using MoEActors.Workers.Exchange;

namespace MoEActors.Tests.Reference;

/// <summary>The production decoder, exchange and device against a reference in double precision.</summary>
public class LanguageModelReferenceTests
{
    /// <summary>What the rounding of a dozen products one behind the other adds up to, there and back; the logits are at 1e-2 already.</summary>
    private const double RoundedGradients = 5e-2;

    public static TheoryData<string, string, int> Cases => ReferenceFolder.Cases(ReferenceFolder.IsModel);

    [Theory]
    [MemberData(nameof(Cases))]
    public void Model_equals_the_reference(string file, string name, int workers)
    {
        Assert.SkipWhen(workers == 0, "The reference folder has no case of this kind.");
        JsonElement reference = ReferenceFolder.Case(file, name);
        WorkerGroup.Run(workers, communicator =>
        {
            using var device = new CpuDevice();
            Check(reference, communicator, device);
            return true;
        });
    }

    internal static void Check(JsonElement reference, ICommunicator communicator, IDevice device, ReplayedGate? replayed = null)
    {
        double tolerance = ReferenceTensor.Tolerance(device);
        Action<ReferenceTensor, string, float[]> near = device.OperandType == ElementType.F32
            ? (expected, what, actual) => expected.AssertNear(what, actual, tolerance)
            : (expected, what, actual) => expected.AssertNearAsAWhole(what, actual, RoundedGradients);
        ModelConfiguration configuration = Configuration(reference);
        if (replayed is not null)
        {
            configuration = configuration.Using(replayed.Kinds()) with { Gate = configuration.Gate with { Kind = replayed.Name } };
        }

        Dictionary<string, ReferenceTensor> weights = ReferenceTensor.ReadAll(reference.GetProperty("weights"));
        Dictionary<string, ReferenceTensor> gradients = ReferenceTensor.ReadAll(reference.GetProperty("gradients"));
        using var arena = new Arena(device);
        using var dense = new ParameterBlock(device, "", ModelLayout.Dense(configuration));
        Fill(device, dense, shape => DenseTensor(weights, shape.Name));
        List<(int Layer, int Expert, ParameterBlock Block)> local = [];
        using var model = new DecoderModel(configuration, device, arena, dense, layer =>
        {
            int[] ranks = [.. Enumerable.Range(0, configuration.Experts[layer]).Select(expert => (expert + layer) % communicator.Size)];
            foreach (int expert in Enumerable.Range(0, ranks.Length).Where(expert => ranks[expert] == communicator.Rank))
            {
                var block = new ParameterBlock(device, ModelLayout.ExpertPrefix(layer, expert), ModelLayout.Expert(configuration));
                Fill(device, block, shape => ExpertTensor(weights, layer, expert, shape.Name));
                local.Add((layer, expert, block));
            }

            return new DistributedExpertExchange(
                device, communicator, LayerPlacement.OfSingles(communicator.Size, ranks),
                [.. local.Where(entry => entry.Layer == layer).Select(entry => entry.Block.Parameters)]);
        });

        // Auxiliary losses are means over all tokens: the whole batch is one micro-batch, on rank 0.
        MicroBatch? batch = communicator.Rank == 0 ? Batch(reference) : null;
        int targets = Batch(reference).TargetCount;
        float[] logits = new float[batch is null ? 0 : batch.Inputs.Length * configuration.Vocabulary];
        model.Predict(batch, logits);
        MicroBatchLoss loss = model.Train(batch, 1f / targets, auxiliaryScale: 1f);
        if (batch is not null)
        {
            ReferenceTensor.Read(reference.GetProperty("logits")).AssertNear("logits", logits, tolerance);
            ReferenceTensor.AssertNear("cross_entropy", reference.GetProperty("cross_entropy").GetDouble(), loss.CrossEntropySum / targets, tolerance);
            ReferenceTensor.AssertNear("loss", reference.GetProperty("loss").GetDouble(), loss.CrossEntropySum / targets + loss.Auxiliary, tolerance);
            int layer = 0;
            foreach (JsonElement expected in reference.GetProperty("aux_losses").EnumerateArray())
            {
                ReferenceTensor.AssertNear($"aux_losses[{layer}]", expected.GetDouble(), model.RoutingOf(layer)!.BalanceLoss, tolerance);
                layer++;
            }

            foreach (Parameter parameter in dense.Parameters)
            {
                near(DenseTensor(gradients, parameter.Shape.Name), $"gradient of {parameter.Shape.Name}", device.ToArray(parameter.GradientVector));
            }
        }

        foreach ((int layer, int expert, ParameterBlock block) in local)
        {
            foreach (Parameter parameter in block.Parameters)
            {
                near(
                    ExpertTensor(gradients, layer, expert, parameter.Shape.Name), $"gradient of {block.Prefix}{parameter.Shape.Name}",
                    device.ToArray(parameter.GradientVector));
            }

            block.Dispose();
        }
    }

    private static ModelConfiguration Configuration(JsonElement reference) => new()
    {
        Vocabulary = reference.GetProperty("vocabulary").GetInt32(),
        Dim = reference.GetProperty("dim").GetInt32(),
        Heads = reference.GetProperty("heads").GetInt32(),
        KeyValueHeads = reference.GetProperty("kv_heads").GetInt32(),
        Hidden = reference.GetProperty("hidden").GetInt32(),
        Experts = [.. Enumerable.Repeat(reference.GetProperty("experts").GetInt32(), reference.GetProperty("layers").GetInt32())],
        Gate = new GateOptions { TopK = reference.GetProperty("top_k").GetInt32(), BalanceCoefficient = 0.01f, ZCoefficient = 0f },
        RmsEpsilon = reference.GetProperty("rms_eps").GetSingle(),
        RopeTheta = reference.GetProperty("rope_theta").GetSingle(),
        MaximumSequence = reference.GetProperty("tokens").GetProperty("shape")[1].GetInt32() - 1,
    };

    private static MicroBatch Batch(JsonElement reference)
    {
        ReferenceTensor tokens = ReferenceTensor.Read(reference.GetProperty("tokens"));
        int length = tokens.Shape[1] - 1;
        List<int> inputs = [];
        List<int> targets = [];
        for (int sequence = 0; sequence < tokens.Shape[0]; sequence++)
        {
            int[] row = [.. tokens.Part(sequence).Data.Select(value => (int)value)];
            inputs.AddRange(row[..length]);
            targets.AddRange(row[1..]);
        }

        return new MicroBatch([.. inputs], [.. targets], length);
    }

    private static void Fill(IDevice device, ParameterBlock block, Func<ParameterShape, ReferenceTensor> values)
    {
        foreach (Parameter parameter in block.Parameters)
        {
            values(parameter.Shape).CopyTo(device, parameter.Vector);
        }

        block.RoundValues();
    }

    private static ReferenceTensor DenseTensor(Dictionary<string, ReferenceTensor> tensors, string name)
    {
        const string Fused = "qkv_proj";
        if (!name.EndsWith(Fused, StringComparison.Ordinal))
        {
            return tensors[name];
        }

        string prefix = name[..^Fused.Length];
        return tensors[$"{prefix}q_proj"].Beside(tensors[$"{prefix}k_proj"], tensors[$"{prefix}v_proj"]);
    }

    private static ReferenceTensor ExpertTensor(Dictionary<string, ReferenceTensor> tensors, int layer, int expert, string name)
    {
        string prefix = $"layers.{layer}.experts.";
        return name == "gate_up"
            ? tensors[$"{prefix}gate"].Part(expert).Beside(tensors[$"{prefix}up"].Part(expert))
            : tensors[prefix + name].Part(expert);
    }
}
