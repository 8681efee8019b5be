using MoEActors.Modules.Experts;
using MoEActors.Modules.Parameters;
using MoEActors.Native.Memory;

namespace MoEActors.Examples;

/// <summary><c>relu(x·Wup)²·Wdown</c> (So et al., arXiv 2109.08668).</summary>
internal sealed class SquaredReluExpert : IExpertKind
{
    private const int Up = 0;
    private const int Down = 1;

    public string Name => "squared-relu";

    public IReadOnlyList<ParameterShape> Layout(int dim, int hidden) =>
    [
        ParameterShape.Weight("up", dim, hidden, 1f / MathF.Sqrt(dim)),
        ParameterShape.Weight("down", hidden, dim, 1f / MathF.Sqrt(hidden)),
    ];

    public void Forward(ExpertBatch batch)
    {
        // What is saved comes back in backward, by order of creation.
        Matrix positive = batch.Save(batch.ColumnsOf(Up));
        Matrix activation = batch.Save(batch.ColumnsOf(Up));
        batch.Multiply(batch.Input, Up, positive);
        batch.Tape.Device.Relu(positive, positive);
        batch.Tape.Device.Multiply(positive, positive, activation);
        batch.Multiply(activation, Down, batch.Output, batch.OutputAccumulation);
    }

    public void Backward(ExpertBatch batch)
    {
        Matrix positive = batch.Saved(0), activation = batch.Saved(1);
        Matrix gradient = batch.NewMatrix(activation.Columns);
        batch.AddWeightGradient(activation, batch.OutputGradient, Down);
        batch.MultiplyTransposed(batch.OutputGradient, Down, gradient);

        // The slope is 2·relu(x), which is 0 where relu has none.
        batch.Tape.Device.Multiply(gradient, positive, gradient);
        batch.Tape.Device.Scale(gradient, 2);
        batch.AddWeightGradient(batch.Input, gradient, Up);
        batch.MultiplyTransposed(gradient, Up, batch.InputGradient, batch.InputAccumulation);
    }
}
