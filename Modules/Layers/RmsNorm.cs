using MoEActors.Modules.Autograd;
using MoEActors.Modules.Parameters;

namespace MoEActors.Modules.Layers;

/// <summary>Root mean square norm (Zhang &amp; Sennrich, arXiv 1910.07467): <c>x/√(mean(x²) + ε)·w</c>.</summary>
/// <param name="weight">The scale, [1, features].</param>
/// <param name="epsilon">Added under the root.</param>
public sealed class RmsNorm(Parameter weight, float epsilon)
{
    /// <summary>The normed rows of <paramref name="x"/>.</summary>
    public Tensor Forward(Tape tape, in Tensor x) => Run(tape, x, tape.Create(x.Rows, x.Columns));

    /// <summary>The normed rows of <paramref name="x"/>, which only products read.</summary>
    public Tensor ForwardToProducts(Tape tape, in Tensor x) => Run(tape, x, tape.CreateOperand(x.Rows, x.Columns));

    private Tensor Run(Tape tape, in Tensor x, in Tensor y)
    {
        DeviceSpan<float> inverseRms = tape.Arena.Take<float>(x.Rows);
        tape.Device.RmsNorm(x.Value, weight.Vector, epsilon, y.Value, inverseRms);
        if (tape.Record<Node>() is { } node)
        {
            node.Weight = weight;
            node.X = x;
            node.Y = y;
            node.InverseRms = inverseRms;
        }

        return y;
    }

    private sealed class Node : TapeNode
    {
        public Parameter Weight = null!;
        public Tensor X;
        public Tensor Y;
        public DeviceSpan<float> InverseRms;

        protected internal override void Backward(Tape tape)
        {
            Matrix dy = tape.Gradient(Y);
            tape.Device.RmsNormWeightGradient(X.Value, InverseRms, dy, Weight.GradientVector);
            Matrix dx = tape.GradientToWrite(X, out Accumulation accumulation);
            tape.Device.RmsNormInputGradient(X.Value, Weight.Vector, InverseRms, dy, dx, accumulation);
        }
    }
}
