using System.Text.Json;
using MoEActors.Modules.Autograd;
using MoEActors.Modules.Experts;
using MoEActors.Modules.Gates;
using MoEActors.Modules.MixtureOfExperts;
using MoEActors.Modules.Models;
using MoEActors.Modules.Parameters;
using MoEActors.Native;
using MoEActors.Native.Communication;
using MoEActors.Native.Cpu;
using MoEActors.Native.Memory;
using MoEActors.Placement.Map;
using MoEActors.Placement.Parallelism;
using MoEActors.Tests.Support;
using MoEActors.Workers.Exchange;

namespace MoEActors.Tests.Reference;

/// <summary>The production MoE layer, exchange and device against references in double precision.</summary>
public class MoELayerReferenceTests
{
    public static TheoryData<string, string, int> Cases => ReferenceFolder.Cases(ReferenceFolder.IsLayer);

    [Theory]
    [MemberData(nameof(Cases))]
    public void Layer_equals_the_reference(string file, string name, int workers)
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

    [Theory]
    [MemberData(nameof(Cases))]
    public void Layer_of_slices_equals_the_reference(string file, string name, int workers)
    {
        Assert.SkipWhen(workers == 0, "The reference folder has no case of this kind.");
        JsonElement reference = ReferenceFolder.Case(file, name);
        foreach (int size in new[] { 2, 3, 6 })
        {
            WorkerGroup.Run(size, communicator =>
            {
                using var device = new CpuDevice();
                Check(reference, communicator, device, ParallelismChoice.Sliced(Math.Min(size, 4)));
                return true;
            });
        }
    }

    internal static void Check(JsonElement reference, ICommunicator communicator, IDevice device) =>
        Check(reference, communicator, device, ParallelismChoice.ExpertParallel);

    private static void Check(JsonElement reference, ICommunicator communicator, IDevice device, ParallelismChoice parallelism)
    {
        double tolerance = ReferenceTensor.Tolerance(device);
        using var arena = new Arena(device);
        var tape = new Tape(device, arena);
        Dictionary<string, ReferenceTensor> inputs = ReferenceTensor.ReadAll(reference.GetProperty("inputs"));
        Dictionary<string, ReferenceTensor> gradients = ReferenceTensor.ReadAll(reference.GetProperty("gradients"));
        IExpertKind kind = ModelKinds.BuiltIn.Experts.Get(reference.GetProperty("expert").GetString()!);
        int experts = inputs["router"].Shape[1];
        int[] ranks = [.. Enumerable.Range(0, experts).Select(expert => (expert + 1) % communicator.Size)];

        // Rank 0 has the micro-batch; the others only their experts.
        bool first = communicator.Rank == 0;
        int[] local = [.. Enumerable.Range(0, experts).Where(expert => ranks[expert] == communicator.Rank)];
        ParameterBlock[] blocks = [.. local.Select(expert => ExpertBlock(device, kind, inputs, expert, ""))];
        using var kept = new Arena(device);
        using ParameterBlock sample = ExpertBlock(device, kind, inputs, 0, "");
        using var exchange = new LayerWire(
            device, communicator, LayerPlacement.OfSingles(communicator.Size, ranks), [.. sample.Parameters.Select(parameter => parameter.Shape)], blocks,
            reproducible: false, kept);
        exchange.Use(parallelism);
        using ParameterBlock dense = DenseBlock(device, inputs);
        bool hasShared = inputs.Keys.Any(key => key.StartsWith("shared.", StringComparison.Ordinal));
        using ParameterBlock? shared = hasShared ? ExpertBlock(device, kind, inputs, 0, "shared.") : null;
        var gate = new TopKGate(Options(reference), dense["router"]);
        if (reference.GetProperty("router_bias") is { ValueKind: JsonValueKind.Object } bias)
        {
            ReferenceTensor values = ReferenceTensor.Read(bias);
            DeviceBuffer memory = device.Allocate(values.Data.Length * sizeof(float));
            gate.ChoiceBias = memory.As<float>();
            values.CopyTo(device, gate.ChoiceBias);
        }

        var layer = new MoELayer(
            kind, gate, exchange,
            new MoELayerParameters(
                shared?.Parameters,
                inputs.ContainsKey("coefficient") ? dense["coefficient"] : null));

        ReferenceTensor x = inputs["x"];
        int rows = first ? x.Rows : 0;
        int[] validity = [.. reference.GetProperty("valid").GetProperty("data").EnumerateArray().Select(value => value.GetInt32())];
        RoutingContext context = Context(tape, first ? validity : []);
        Tensor input = tape.Create(rows, x.Shape[1]);
        Tensor zero = tape.Create(rows, x.Shape[1]);
        device.Fill(zero.Value.Data, 0f);
        if (first)
        {
            x.CopyTo(device, input.Value.Data);
        }

        Tensor y = layer.Forward(tape, input, zero, context);
        if (first)
        {
            ReferenceTensor.Read(reference.GetProperty("y")).AssertNear("y", device.ToArray(y.Value.Data), tolerance);
            gate.Routing.ReadStatistics(device);
            CheckRouting(reference, gate.Routing, validity, device);
        }

        Matrix dy = tape.NewMatrix(rows, x.Shape[1]);
        if (first)
        {
            ReferenceTensor.Read(reference.GetProperty("dy")).CopyTo(device, dy.Data);
        }

        tape.Seed(y, dy);
        tape.Backward();
        if (first)
        {
            gradients["x"].AssertNear("gradient of x", device.ToArray(tape.Gradient(input).Data), tolerance);
            gradients["router"].AssertNear("gradient of the router", device.ToArray(dense["router"].GradientVector), tolerance);
            if (gradients.TryGetValue("coefficient", out ReferenceTensor? coefficient))
            {
                coefficient.AssertNear("gradient of the coefficient", device.ToArray(dense["coefficient"].GradientVector), tolerance);
            }

            if (shared is not null)
            {
                CheckExpert(device, kind, shared, gradients, 0, "shared.");
            }
        }

        for (int i = 0; i < local.Length; i++)
        {
            CheckExpert(device, kind, blocks[i], gradients, local[i], "");
            blocks[i].Dispose();
        }
    }

    private static void CheckRouting(JsonElement reference, Routing routing, int[] validity, IDevice device)
    {
        double tolerance = ReferenceTensor.Tolerance(device);
        int[] choices = device.ToArray(routing.Choices), held = device.ToArray(routing.Kept);
        float[] gateWeights = device.ToArray(routing.Weights);
        int k = routing.K;
        int[] chosen = [.. reference.GetProperty("chosen").GetProperty("data").EnumerateArray().Select(value => value.GetInt32())];
        bool[] kept = [.. reference.GetProperty("kept").GetProperty("data").EnumerateArray().Select(value => value.GetDouble() != 0)];
        double[] weights = [.. reference.GetProperty("weights").GetProperty("data").EnumerateArray().Select(value => value.GetDouble())];
        for (int i = 0; i < chosen.Length; i++)
        {
            if (validity[i / k] != 0)
            {
                Assert.Equal(chosen[i], choices[i]);
                Assert.Equal(kept[i], held[i] != 0);
                Assert.Equal(weights[i], gateWeights[i], tolerance);
            }
        }

        int[] tokens = [.. reference.GetProperty("tokens_per_expert").GetProperty("data").EnumerateArray().Select(value => value.GetInt32())];
        Assert.Equal(tokens, routing.KeptTokens);
        ReferenceTensor.AssertNear("aux_loss", reference.GetProperty("aux_loss").GetDouble(), routing.BalanceLoss, tolerance);
        ReferenceTensor.AssertNear("z_loss", reference.GetProperty("z_loss").GetDouble(), routing.ZLoss, tolerance);
    }

    private static GateOptions Options(JsonElement reference) => new()
    {
        TopK = reference.GetProperty("top_k").GetInt32(),
        Scores = reference.GetProperty("scores").GetString() == "sigmoid" ? GateScores.Sigmoid : GateScores.Softmax,
        Renormalise = reference.GetProperty("renormalise").GetBoolean(),
        CapacityFactor = reference.GetProperty("capacity") is { ValueKind: JsonValueKind.Number } capacity ? -capacity.GetInt32() : 0,
        BalanceCoefficient = 0.01f,
        ZCoefficient = 0.001f,
    };

    private static RoutingContext Context(Tape tape, int[] validity)
    {
        DeviceSpan<int> valid = tape.Arena.Take<int>(validity.Length);
        tape.Device.Write<int>(validity, valid);
        return new RoutingContext(valid, validity.Sum(), AuxiliaryScale: 1f);
    }

    private static ParameterBlock DenseBlock(IDevice device, Dictionary<string, ReferenceTensor> inputs)
    {
        string[] names = [.. new[] { "router", "coefficient" }.Where(inputs.ContainsKey)];
        var block = new ParameterBlock(
            device, "", [.. names.Select(name => ParameterShape.Weight(name, inputs[name].Shape[0], inputs[name].Shape[1], 1f))]);
        foreach (string name in names)
        {
            inputs[name].CopyTo(device, block[name].Vector);
        }

        block.RoundValues();
        return block;
    }

    private static ParameterBlock ExpertBlock(
        IDevice device, IExpertKind kind, Dictionary<string, ReferenceTensor> inputs, int expert, string prefix)
    {
        bool swiglu = kind is SwiGluExpert;
        ReferenceTensor sample = inputs[prefix + (swiglu ? "gate" : "w1")];
        var block = new ParameterBlock(device, prefix, kind.Layout(sample.Shape[1], sample.Shape[2]));
        foreach (Parameter parameter in block.Parameters)
        {
            ExpertTensor(inputs, parameter.Shape.Name, expert, prefix).CopyTo(device, parameter.Vector);
        }

        block.RoundValues();
        return block;
    }

    private static void CheckExpert(
        IDevice device, IExpertKind kind, ParameterBlock block, Dictionary<string, ReferenceTensor> gradients, int expert, string prefix)
    {
        foreach (Parameter parameter in block.Parameters)
        {
            // One scale for all experts' parts of a tensor, as the reference defines relative error per tensor.
            ReferenceTensor whole = ExpertTensor(gradients, parameter.Shape.Name, expert, prefix);
            double largest = WholeTensor(gradients, parameter.Shape.Name, prefix).Data.Max(Math.Abs);
            float[] actual = device.ToArray(parameter.GradientVector);
            for (int i = 0; i < actual.Length; i++)
            {
                Assert.True(
                    Math.Abs(actual[i] - whole.Data[i]) <= ReferenceTensor.Tolerance(device) * largest,
                    $"gradient of {kind.Name} {prefix}{parameter.Shape.Name}, expert {expert}, [{i}] is {actual[i]:R}, the reference {whole.Data[i]:R}.");
            }
        }
    }

    private static ReferenceTensor ExpertTensor(Dictionary<string, ReferenceTensor> tensors, string name, int expert, string prefix) =>
        name == "gate_up"
            ? tensors[$"{prefix}gate"].Part(expert).Beside(tensors[$"{prefix}up"].Part(expert))
            : tensors[prefix + name].Part(expert);

    private static ReferenceTensor WholeTensor(Dictionary<string, ReferenceTensor> tensors, string name, string prefix) =>
        name == "gate_up" ? tensors[$"{prefix}gate"].Beside(tensors[$"{prefix}up"]) : tensors[prefix + name];
}
