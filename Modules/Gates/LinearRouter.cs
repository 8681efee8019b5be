using MoEActors.Modules.Autograd;
using MoEActors.Modules.Parameters;
using MoEActors.Native.Memory;

namespace MoEActors.Modules.Gates;

/// <summary><c>logits = x·Wg</c>, in fp32.</summary>
/// <param name="weight">Wg, [features, experts].</param>
public sealed class LinearRouter(Parameter weight) : IRouter
{
    private Tensor _x;

    /// <inheritdoc />
    public int Experts => weight.Shape.Columns;

    /// <inheritdoc />
    public Matrix Forward(Tape tape, in Tensor x)
    {
        _x = x;
        Matrix logits = tape.NewMatrix(x.Rows, Experts);
        tape.Device.MatMul(x.Value, weight.Value, logits);
        return logits;
    }

    /// <inheritdoc />
    public void Backward(Tape tape, in Matrix dLogits)
    {
        tape.Device.MatMul(_x.Value.T, dLogits, weight.Gradient, Accumulation.Add);
        Matrix dx = tape.GradientToWrite(_x, out Accumulation accumulation);
        tape.Device.MatMul(dLogits, weight.Value.T, dx, accumulation);
    }
}
