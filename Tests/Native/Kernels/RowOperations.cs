using MoEActors.Native.Memory;

namespace MoEActors.Tests.Native.Kernels;

/// <summary>Every operation whose rows are independent, by name.</summary>
internal static class RowOperations
{
    public static IReadOnlyDictionary<string, Action<RowCase>> All { get; } = new Dictionary<string, Action<RowCase>>
    {
        ["Multiply"] = c => c.Device.Multiply(c.X, c.Y, c.OutX),
        ["Multiply in place"] = c => c.Device.Multiply(c.X, c.X, c.X),
        ["Relu"] = c => c.Device.Relu(c.X, c.OutX),
        ["Relu in place"] = c => c.Device.Relu(c.X, c.X),
        ["ReluGradient"] = c => c.Device.ReluGradient(c.X, c.Y, c.OutX),
        ["AddBias"] = c => c.Device.AddBias(c.X, c.Weight),
        ["RmsNorm"] = c => c.Device.RmsNorm(c.X, c.Weight, 1e-5f, c.OutX, c.Inverse.Data),
        ["RmsNorm in place"] = c => c.Device.RmsNorm(c.X, c.Weight, 1e-5f, c.X, c.Inverse.Data),
        ["RmsNormInputGradient"] = c => c.Device.RmsNormInputGradient(c.X, c.Weight, c.Inverse.Data, c.Y, c.OutX, Accumulation.Store),
        ["RmsNormInputGradient added"] = c => c.Device.RmsNormInputGradient(c.X, c.Weight, c.Inverse.Data, c.Y, c.OutX, Accumulation.Add),
        ["Gelu"] = c => c.Device.Gelu(c.X, c.Weight, c.OutX),
        ["Gelu without bias"] = c => c.Device.Gelu(c.X, default, c.OutX),
        ["GeluGradient"] = c => c.Device.GeluGradient(c.X, c.Y, c.OutX),
        ["SwiGlu"] = c => c.Device.SwiGlu(c.X, c.Y, c.OutX),
        ["SwiGluGradient"] = c => c.Device.SwiGluGradient(c.X, c.Y, c.Z, c.OutX, c.OutY),
        ["CrossEntropy"] = c => c.Device.CrossEntropy(c.X, Targets(c), 0.3f, c.Inverse.Data, c.OutX),
        ["CrossEntropy without gradient"] = c => c.Device.CrossEntropy(c.X, Targets(c), 0.3f, c.Inverse.Data, default),
        ["MixRows"] = c => c.Device.MixRows(c.X, c.Y, c.Pair, c.OutX),
        ["MixRowsGradient"] = c => c.Device.MixRowsGradient(c.X, c.Y, c.Pair, c.Z, c.OutX, c.OutY, c.OutPair),
        ["Rotary"] = c => c.Device.Rotary(Even(c), c.Half, c.Half, RowCase.Position, inverse: false),
        ["Rotary inverse"] = c => c.Device.Rotary(Even(c), c.Half, c.Half, RowCase.Position, inverse: true),
        ["Attention"] = c => Attend(c, default),
        ["Attention of documents"] = c => Attend(c, c.FirstKeys),
        ["AttentionGradient"] = c => AttendBack(c, default),
        ["AttentionGradient of documents"] = c => AttendBack(c, c.FirstKeys),
        ["Softmax"] = c => c.Device.Softmax(c.X, c.OutX, c.Inverse.Data),
        ["SoftmaxGradient"] = c => c.Device.SoftmaxGradient(c.X, c.Y, c.OutX),
        ["Sigmoid"] = c => c.Device.Sigmoid(c.X, c.OutX, c.Inverse.Data),
        ["SigmoidGradient"] = c => c.Device.SigmoidGradient(c.X, c.Y, c.OutX),
        ["TopK"] = c => c.Device.TopK(c.X, c.Weight, default, RowCase.Choices, c.Chosen),
        ["ChoiceWeights"] = c => c.Device.ChoiceWeights(c.X, Choose(c), RowCase.Choices, true, 1e-6f, c.ChoiceWeights.Data),
        ["ChoiceWeightsGradient"] = c => c.Device.ChoiceWeightsGradient(c.X, Choose(c), RowCase.Choices, true, 1e-6f, c.ChoiceWeights.Data, c.OutX),
        ["AddScoreSumsGradient"] = c => c.Device.AddScoreSumsGradient(c.X, default, true, c.Weight, c.OutX),
        ["ZLossGradient"] = c => c.Device.ZLossGradient(c.X, c.Inverse.Data, default, 0.1f, c.OutX),
        ["NormalizeRows"] = c => c.Device.NormalizeRows(c.X, 1e-12f, c.OutX, c.Inverse.Data),
        ["NormalizeRowsGradient"] = c => c.Device.NormalizeRowsGradient(c.X, c.Inverse.Data, 1e-12f, c.Y, c.OutX, Accumulation.Add),
        ["DotRows"] = c => c.Device.DotRows(c.X, c.Y, c.Inverse.Data),
        ["Entropies"] = c =>
        {
            c.Device.Softmax(c.X, c.OutX, default);
            c.Device.Entropies(c.OutX, normalise: false, c.Inverse.Data);
        },
        ["Entropies of sigmoids"] = c =>
        {
            c.Device.Sigmoid(c.X, c.OutX, default);
            c.Device.Entropies(c.OutX, normalise: true, c.Inverse.Data);
        },
        ["MaskGroups"] = c => c.Device.MaskGroups(Even(c), c.Weight.Slice(0, Even(c).Columns), 2, 1, c.OutX.SliceColumns(0, Even(c).Columns)),
        ["AddSmoothLoadGradient"] = c => c.Device.AddSmoothLoadGradient(c.X, c.Y, Choose(c), RowCase.Choices, 0.3f, c.Weight, c.OutX),
        ["GatherRows"] = c => c.Device.GatherRows(c.Table, Targets(c), c.OutX),
        ["CombineRows"] = c => c.Device.CombineRows(c.Table, c.Slots, RowCase.Choices, c.ChoiceWeights.Data, c.OutX, Accumulation.Store),
        ["CombineRows added"] = c => c.Device.CombineRows(c.Table, c.Slots, RowCase.Choices, default, c.OutX, Accumulation.Add),
    };

    /// <summary>Columns that divide into two halves.</summary>
    private static Matrix Even(RowCase c) => Heads(c, c.X);

    /// <summary>The columns of two heads.</summary>
    private static Matrix Heads(RowCase c, in Matrix rows) => rows.SliceColumns(0, c.Half.Columns * 2);

    /// <summary>Two heads that share their keys and values, which lie side by side.</summary>
    private static void Attend(RowCase c, DeviceSpan<int> firstKeys)
    {
        int half = c.Half.Columns;
        c.Device.Attention(
            new(2, 1, half), Even(c), c.Y.SliceColumns(0, half), c.Y.SliceColumns(half, half), firstKeys, RowCase.Position, 0.7f,
            Heads(c, c.OutX), c.Scores);
    }

    private static void AttendBack(RowCase c, DeviceSpan<int> firstKeys)
    {
        int half = c.Half.Columns;
        Attend(c, firstKeys);
        c.Device.AttentionGradient(
            new(2, 1, half), Even(c), c.Y.SliceColumns(0, half), c.Y.SliceColumns(half, half), firstKeys, RowCase.Position, 0.7f,
            Heads(c, c.OutX), c.Scores, Heads(c, c.Z), Heads(c, c.OutY), c.OutZ.SliceColumns(0, half), c.OutZ.SliceColumns(half, half),
            c.ScoreGradients);
    }

    private static DeviceSpan<int> Targets(RowCase c) => Choose(c, 1, c.Target);

    private static DeviceSpan<int> Choose(RowCase c) => Choose(c, RowCase.Choices, c.Chosen);

    /// <summary>Valid choices that depend on the row's content alone.</summary>
    private static DeviceSpan<int> Choose(RowCase c, int k, DeviceSpan<int> chosen)
    {
        c.Device.TopK(c.X.SliceColumns(0, Math.Min(c.X.Columns, 11)), default, default, k, chosen);
        return chosen;
    }
}
