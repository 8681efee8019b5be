using MoEActors.Modules.Autograd;
using MoEActors.Native.Memory;

namespace MoEActors.Modules.Gates;

/// <summary>The router's view of its input in training: times U(1 − jitter, 1 + jitter), element by element (Switch, arXiv 2101.03961, §2.4).</summary>
internal sealed class InputJitter
{
    private Tensor _x;
    private Tensor _jittered;
    private float _spread;
    private ulong? _key;

    /// <summary>What the router sees: <paramref name="x"/> itself where there is no jitter.</summary>
    public Tensor Forward(Tape tape, in Tensor x, float spread, ulong? key)
    {
        _key = spread > 0 ? key : null;
        if (_key is not { } drawn)
        {
            return x;
        }

        _x = x;
        _spread = spread;
        _jittered = tape.Create(x.Rows, x.Columns);
        tape.Device.MultiplyUniform(x.Value, drawn, spread, _jittered.Value, Accumulation.Store);
        return _jittered;
    }

    /// <summary>Takes the gradient from the router's view to its input.</summary>
    public void Backward(Tape tape)
    {
        if (_key is { } drawn)
        {
            Matrix dJittered = tape.Gradient(_jittered);
            Matrix dx = tape.GradientToWrite(_x, out Accumulation accumulation);
            tape.Device.MultiplyUniform(dJittered, drawn, _spread, dx, accumulation);
        }
    }
}
