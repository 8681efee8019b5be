using MoEActors.Modules.Kinds;
using MoEActors.Modules.Parameters;

namespace MoEActors.Modules.Experts;

/// <summary>The experts of the library.</summary>
internal static class ExpertKinds
{
    public static KindList<IExpertKind> BuiltIn { get; } = new("expert", new SwiGluExpert(), new GeluExpert());
}

/// <summary>
/// <c>(silu(x·Wgate) ⊙ x·Wup)·Wdown</c> (Shazeer, arXiv 2002.05202), without biases. Gate and up are one matrix
/// [features, 2·hidden], gate first: one product instead of two.
/// </summary>
public sealed class SwiGluExpert : IExpertKind
{
    private const int GateUp = 0;
    private const int Down = 1;
    private const int SavedProjection = 0;
    private const int SavedHidden = 1;

    /// <inheritdoc />
    public string Name => "swiglu";

    /// <inheritdoc />
    public IReadOnlyList<ParameterShape> Layout(int dim, int hidden) =>
    [
        ParameterShape.Weight("gate_up", dim, 2 * hidden, 1f / MathF.Sqrt(dim)) with { Hidden = HiddenAxis.Columns, HiddenGroups = 2 },
        ParameterShape.Weight("down", hidden, dim, 1f / MathF.Sqrt(hidden)) with { Hidden = HiddenAxis.Rows },
    ];

    /// <inheritdoc />
    public void Forward(ExpertBatch batch)
    {
        int hidden = batch.ColumnsOf(GateUp) / 2;
        Matrix projection = batch.Save(2 * hidden);
        Matrix activation = batch.Save(hidden);
        batch.Multiply(batch.Input, GateUp, projection);
        batch.Tape.Device.SwiGlu(projection.SliceColumns(0, hidden), projection.SliceColumns(hidden, hidden), activation);
        batch.Multiply(activation, Down, batch.Output, batch.OutputAccumulation);
    }

    /// <inheritdoc />
    public void Backward(ExpertBatch batch)
    {
        Matrix projection = batch.Saved(SavedProjection);
        Matrix activation = batch.Saved(SavedHidden);
        int hidden = activation.Columns;
        Matrix gate = projection.SliceColumns(0, hidden);
        Matrix up = projection.SliceColumns(hidden, hidden);
        Matrix dActivation = batch.NewMatrix(hidden);
        batch.AddWeightGradient(activation, batch.OutputGradient, Down);
        batch.MultiplyTransposed(batch.OutputGradient, Down, dActivation);
        batch.Tape.Device.SwiGluGradient(gate, up, dActivation, gate, up);
        batch.AddWeightGradient(batch.Input, projection, GateUp);
        batch.MultiplyTransposed(projection, GateUp, batch.InputGradient, batch.InputAccumulation);
    }
}

/// <summary><c>gelu(x·W1 + b1)·W2 + b2</c>, the exact (erf) form (Hendrycks &amp; Gimpel, arXiv 1606.08415): the expert of Tutel and DeepSpeed-MoE.</summary>
public sealed class GeluExpert : IExpertKind
{
    private const int FirstWeight = 0;
    private const int FirstBias = 1;
    private const int SecondWeight = 2;
    private const int SecondBias = 3;
    private const int SavedPreactivation = 0;
    private const int SavedHidden = 1;

    /// <inheritdoc />
    public string Name => "gelu";

    /// <inheritdoc />
    public IReadOnlyList<ParameterShape> Layout(int dim, int hidden) =>
    [
        ParameterShape.Weight("w1", dim, hidden, 1f / MathF.Sqrt(dim)) with { Hidden = HiddenAxis.Columns },
        ParameterShape.Bias("b1", hidden) with { Hidden = HiddenAxis.Columns },
        ParameterShape.Weight("w2", hidden, dim, 1f / MathF.Sqrt(hidden)) with { Hidden = HiddenAxis.Rows },
        ParameterShape.Bias("b2", dim),
    ];

    /// <inheritdoc />
    public void Forward(ExpertBatch batch)
    {
        int hidden = batch.ColumnsOf(FirstWeight);
        Matrix preactivation = batch.Save(hidden);
        Matrix activation = batch.Save(hidden);
        batch.Multiply(batch.Input, FirstWeight, preactivation);
        for (int e = 0; e < batch.Experts.Count; e++)
        {
            batch.Tape.Device.Gelu(
                batch.RowsOf(preactivation, e), batch.Experts[e][FirstBias].Vector, batch.RowsOf(activation, e));
        }

        batch.Multiply(activation, SecondWeight, batch.Output, batch.OutputAccumulation);
        for (int e = 0; e < batch.Experts.Count; e++)
        {
            batch.Tape.Device.AddBias(batch.RowsOf(batch.Output, e), batch.Experts[e][SecondBias].Vector);
        }
    }

    /// <inheritdoc />
    public void Backward(ExpertBatch batch)
    {
        Matrix preactivation = batch.Saved(SavedPreactivation);
        Matrix activation = batch.Saved(SavedHidden);
        Matrix gradient = batch.NewMatrix(activation.Columns);
        batch.AddBiasGradient(batch.OutputGradient, SecondBias);
        batch.AddWeightGradient(activation, batch.OutputGradient, SecondWeight);
        batch.MultiplyTransposed(batch.OutputGradient, SecondWeight, gradient);
        batch.Tape.Device.GeluGradient(preactivation, gradient, gradient);
        batch.AddBiasGradient(gradient, FirstBias);
        batch.AddWeightGradient(batch.Input, gradient, FirstWeight);
        batch.MultiplyTransposed(gradient, FirstWeight, batch.InputGradient, batch.InputAccumulation);
    }
}
