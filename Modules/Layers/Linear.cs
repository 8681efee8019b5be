using MoEActors.Modules.Autograd;
using MoEActors.Modules.Parameters;

namespace MoEActors.Modules.Layers;

/// <summary>A product with a weight [in, out], without bias.</summary>
/// <param name="weight">The weight.</param>
public sealed class Linear(Parameter weight)
{
    /// <summary><c>x·W</c>: [n, in] to [n, out].</summary>
    public Tensor Forward(Tape tape, in Tensor x)
    {
        Tensor y = tape.Create(x.Rows, weight.Shape.Columns);
        Run(tape, x, y, Accumulation.Store);
        return y;
    }

    /// <summary><c>stream + x·W</c>: the end of a residual branch, in one pass.</summary>
    public Tensor Forward(Tape tape, in Tensor x, in Tensor stream)
    {
        Tensor y = tape.Continue(stream);
        Run(tape, x, y, Accumulation.Add);
        return y;
    }

    private void Run(Tape tape, in Tensor x, in Tensor y, Accumulation accumulation)
    {
        tape.Device.MatMul(x.Value, weight.Value, y.Value, accumulation);
        if (tape.Record<Node>() is { } node)
        {
            node.Weight = weight;
            node.X = x;
            node.Y = y;
        }
    }

    private sealed class Node : TapeNode
    {
        public Parameter Weight = null!;
        public Tensor X;
        public Tensor Y;

        protected internal override void Backward(Tape tape)
        {
            Matrix dy = tape.Gradient(Y);
            tape.Device.MatMul(X.Value.T, dy, Weight.Gradient, Accumulation.Add);
            Matrix dx = tape.GradientToWrite(X, out Accumulation accumulation);
            tape.Device.MatMul(dy, Weight.Value.T, dx, accumulation);
        }
    }
}
