using MoEActors.Modules.Experts;
using MoEActors.Modules.Parameters;
using MoEActors.Native.Memory;

namespace MoEActors.Examples;

/// <summary><c>relu(x·Wup)²·Wdown</c> (So et al., arXiv 2109.08668). Its loops need memory that the host can address: a CPU.</summary>
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
        Matrix up = batch.Save(batch.ColumnsOf(Up));
        Matrix activation = batch.Save(batch.ColumnsOf(Up));
        batch.Multiply(batch.Input, Up, up);
        Span<float> from = up.Data.AsSpan(), to = activation.Data.AsSpan();
        for (int i = 0; i < from.Length; i++)
        {
            float positive = Math.Max(0, from[i]);
            to[i] = positive * positive;
        }

        batch.Multiply(activation, Down, batch.Output, batch.OutputAccumulation);
    }

    public void Backward(ExpertBatch batch)
    {
        Matrix up = batch.Saved(0), activation = batch.Saved(1);
        Matrix gradient = batch.Tape.NewMatrix(batch.Rows, activation.Columns);
        batch.AddWeightGradient(activation, batch.OutputGradient, Down);
        batch.MultiplyTransposed(batch.OutputGradient, Down, gradient);
        Span<float> x = up.Data.AsSpan(), dx = gradient.Data.AsSpan();
        for (int i = 0; i < dx.Length; i++)
        {
            dx[i] *= 2 * Math.Max(0, x[i]);
        }

        batch.AddWeightGradient(batch.Input, gradient, Up);
        batch.MultiplyTransposed(gradient, Up, batch.InputGradient, batch.InputAccumulation);
    }
}
