using MoEActors.Modules.Parameters;
using MoEActors.Native.Memory;

namespace MoEActors.Modules.Experts;

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
        ParameterShape.Weight("gate_up", dim, 2 * hidden, 1f / MathF.Sqrt(dim)),
        ParameterShape.Weight("down", hidden, dim, 1f / MathF.Sqrt(hidden)),
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
        Matrix dActivation = batch.Tape.NewMatrix(batch.Rows, hidden);
        batch.AddWeightGradient(activation, batch.OutputGradient, Down);
        batch.MultiplyTransposed(batch.OutputGradient, Down, dActivation);
        batch.Tape.Device.SwiGluGradient(gate, up, dActivation, gate, up);
        batch.AddWeightGradient(batch.Input, projection, GateUp);
        batch.MultiplyTransposed(projection, GateUp, batch.InputGradient, batch.InputAccumulation);
    }
}
