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
        Matrix operand = tape.Operand(x.Value);
        tape.Device.MatMul(operand, weight.Operand, y.Value, accumulation);
        if (tape.Record<Node>() is { } node)
        {
            node.Weight = weight;
            node.X = x;
            node.Operand = operand;
            node.Y = y;
        }
    }

    private sealed class Node : TapeNode
    {
        public Parameter Weight = null!;
        public Tensor X;
        public Matrix Operand;
        public Tensor Y;

        protected internal override void Backward(Tape tape)
        {
            Matrix dx = tape.GradientToWrite(X, out Accumulation accumulation);
            ArenaMark mark = tape.Arena.Mark();
            Matrix dy = tape.Operand(tape.Gradient(Y));
            tape.Device.MatMul(Operand.T, dy, Weight.Gradient, Accumulation.Add);
            tape.Device.MatMul(dy, Weight.Operand.T, dx, accumulation);
            tape.Arena.Release(mark);
        }
    }
}
