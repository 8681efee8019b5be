using MoEActors.Native;
using MoEActors.Native.Memory;
using MoEActors.Native.Operations;

namespace MoEActors.Tests.Native.Kernels;

public class OperandTests
{
    private static readonly AdamWUpdate Update = new(0.1f, 0.9f, 0.99f, 1e-8f, 0, 1, 1);

    [Fact]
    public void A_mistake_in_a_shape_names_the_operand_and_both_shapes()
    {
        using var memory = new KernelMemory();
        Matrix x = memory.Matrix(new float[2, 3]), y = memory.Matrix(new float[3, 3]);

        ArgumentException exception = Assert.Throws<ArgumentException>(() => memory.Device.SwiGlu(x, y, x));

        Assert.Equal("up", exception.ParamName);
        Assert.Contains("3×3", exception.Message, StringComparison.Ordinal);
        Assert.Contains("'gate' is 2×3", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Wrong_operands_are_refused_before_anything_is_read()
    {
        using var memory = new KernelMemory();
        IDevice device = memory.Device;
        Matrix x = memory.Matrix(new float[2, 3]), wide = memory.Matrix(new float[2, 4]), tall = memory.Matrix(new float[3, 3]);
        DeviceSpan<float> two = memory.Span(new float[2]), three = memory.Span(new float[3]);
        DeviceSpan<int> ids = memory.Integers(0, 1), bad = memory.Integers(0, 3), negative = memory.Integers(-1, -2);
        DeviceSpan<double> sum = memory.Number();

        Refuses("y", () => device.Add(two, three));
        Refuses("bias", () => device.AddBias(x, two));
        Refuses("y", () => device.AddBias(x.T, two));
        Refuses("inverseRms", () => device.RmsNorm(x, three, 0, x, three));
        Refuses("dy", () => device.RmsNormInputGradient(x, three, two, wide, x, Accumulation.Store));
        Refuses("weightGradient", () => device.RmsNormWeightGradient(x, two, x, two));
        Refuses("output", () => device.Gelu(x, three, wide));
        Refuses("bias", () => device.Gelu(x, two, x));
        Refuses("dOutput", () => device.GeluGradient(x, tall, x));
        Refuses("dUp", () => device.SwiGluGradient(x, x, x, x, wide));
        Refuses("ids", () => device.EmbeddingGradient(bad, x, tall));
        Refuses("dy", () => device.EmbeddingGradient(ids, wide, tall));
        Refuses("targets", () => device.CrossEntropy(x, bad, 1, two, default, sum));
        Refuses("targets", () => device.CrossEntropy(x, negative, 1, two, default, sum));
        Refuses("dLogits", () => device.CrossEntropy(x, ids, 1, two, wide, sum));
        Refuses("sum", () => device.CrossEntropy(x, ids, 1, two, x, default));
        Refuses("sum", () => device.SumOfSquares(two, default));
        Refuses("coefficients", () => device.MixRows(x, x, x, x));
        Refuses("dCoefficients", () => device.MixRowsGradient(x, x, wide.SliceColumns(0, 2), x, x, x, x));
        Refuses("x", () => device.Rotary(x, wide, wide, 2, false));
        Refuses("cosines", () => device.Rotary(wide, x.SliceColumns(0, 2).SliceRows(0, 1), x.SliceColumns(0, 2).SliceRows(0, 1), 2, false));
        var heads = new AttentionShape(1, 1, 3);
        DeviceSpan<float> scores = memory.Span(new float[4]);
        Refuses("sequenceLength", () => device.Attention(heads, x, x, x, default, 0, 1, x, scores));
        Refuses("scale", () => device.Attention(heads, x, x, x, default, 2, -1, x, scores));
        Refuses("shape", () => device.Attention(new AttentionShape(3, 2, 1), x, x, x, default, 2, 1, x, scores));
        Refuses("queries", () => device.Attention(heads, wide, x, x, default, 2, 1, x, scores));
        Refuses("queries", () => device.Attention(heads, tall, tall, tall, default, 2, 1, tall, scores));
        Refuses("keys", () => device.Attention(heads, x, tall, x, default, 2, 1, x, scores));
        Refuses("values", () => device.Attention(heads, x, x, wide, default, 2, 1, x, scores));
        Refuses("firstKeys", () => device.Attention(heads, x, x, x, memory.Integers(0), 2, 1, x, scores));
        Refuses("firstKeys", () => device.Attention(heads, x, x, x, memory.Integers(1, 1), 2, 1, x, scores));
        Refuses("firstKeys", () => device.Attention(heads, x, x, x, memory.Integers(0, -1), 2, 1, x, scores));
        Refuses("output", () => device.Attention(heads, x, x, x, default, 2, 1, wide, scores));
        Refuses("state", () => device.Attention(heads, x, x, x, default, 2, 1, x, three));
        Refuses("scratch", () => device.AttentionGradient(heads, x, x, x, default, 2, 1, x, scores, x, x, x, x, three));
        Refuses("dOutput", () => device.AttentionGradient(heads, x, x, x, default, 2, 1, x, scores, wide, x, x, x, scores));
        Refuses("dKeys", () => device.AttentionGradient(heads, x, x, x, default, 2, 1, x, scores, x, x, tall, x, scores));
        Refuses("probabilities", () => device.Softmax(x, wide, default));
        Refuses("logSumExp", () => device.Sigmoid(x, x, three));
        Refuses("dLogits", () => device.SigmoidGradient(x, x, tall));
        Refuses("k", () => device.TopK(x, default, default, 4, ids));
        Refuses("choices", () => device.TopK(x, default, default, 2, ids));
        Refuses("choices", () => device.ChoiceWeights(x, bad, 1, true, 0, two));
        Refuses("dWeights", () => device.ChoiceWeightsGradient(x, ids, 1, true, 0, three, x));
        Refuses("sums", () => device.AddScoreSums(x, default, true, two));
        Refuses("valid", () => device.AddScoreSumsGradient(x, memory.Integers(1), true, three, x));
        Refuses("logSumExp", () => device.ZLossGradient(x, three, default, 1, x));
        Refuses("rows", () => device.GatherRows(tall, bad, x));
        Refuses("rows", () => device.GatherRows(tall.SliceRows(0, 0), memory.Integers(0, 0), x));
        Refuses("slots", () => device.CombineRows(tall, bad, 1, two, x, Accumulation.Store));
        Refuses("weights", () => device.CombineRowsGradient(x, tall, ids, 1, three, tall, two));
        Refuses("gradient", () => device.AdamW(Update, two, three, two, two));
        Refuses("update.Step", () => device.AdamW(Update with { Step = 0 }, two, two, two, two));
    }

    private static void Refuses(string operand, Action operation) =>
        Assert.Equal(operand, Assert.ThrowsAny<ArgumentException>(operation).ParamName);
}
