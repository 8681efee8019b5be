using MoEActors.Native.Cuda.Kernels;
using MoEActors.Native.Cuda.Parameters;
using MoEActors.Native.Memory;
using MoEActors.Native.Operations;

namespace MoEActors.Native.Cuda;

/// <summary>Activations. Where no operand has gaps between its rows, they are taken as one row.</summary>
public sealed unsafe partial class CudaDevice
{
    private static readonly KernelName GeluKernel = new("activations", "gelu");
    private static readonly KernelName GeluGradientKernel = new("activations", "gelu_gradient");
    private static readonly KernelName ReluKernel = new("activations", "relu");
    private static readonly KernelName ReluGradientKernel = new("activations", "relu_gradient");
    private static readonly KernelName SigmoidGradientKernel = new("activations", "sigmoid_gradient");
    private static readonly KernelName SwiGluKernel = new("activations", "swiglu");
    private static readonly KernelName SwiGluGradientKernel = new("activations", "swiglu_gradient");

    /// <inheritdoc />
    public void Gelu(in Matrix preactivation, DeviceSpan<float> bias, in Matrix output)
    {
        Operands.SameShape(output, preactivation);
        Operands.HasLengthOrIsEmpty(bias, preactivation.Columns);
        bool line = bias.IsEmpty && LaunchShapes.AreDense(preactivation, output);
        Matrix x = line ? LaunchShapes.Line(preactivation) : preactivation, y = line ? LaunchShapes.Line(output) : output;
        Launch(GeluKernel, LaunchShapes.Elements(y), new GeluParameters(x, Optional(bias), y));
    }

    /// <inheritdoc />
    public void GeluGradient(in Matrix preactivation, in Matrix dOutput, in Matrix dPreactivation)
    {
        Operands.SameShape(dOutput, preactivation);
        Operands.SameShape(dPreactivation, preactivation);
        LaunchGradient(GeluGradientKernel, preactivation, dOutput, dPreactivation);
    }

    /// <inheritdoc />
    public void Relu(in Matrix x, in Matrix y)
    {
        Operands.SameShape(y, x);
        bool line = LaunchShapes.AreDense(x, y);
        Matrix input = line ? LaunchShapes.Line(x) : x, output = line ? LaunchShapes.Line(y) : y;
        Launch(ReluKernel, LaunchShapes.Elements(output), new ActivationParameters(input, output));
    }

    /// <inheritdoc />
    public void ReluGradient(in Matrix y, in Matrix dy, in Matrix dx)
    {
        Operands.SameShape(dy, y);
        Operands.SameShape(dx, y);
        LaunchGradient(ReluGradientKernel, y, dy, dx);
    }

    /// <inheritdoc />
    public void SigmoidGradient(in Matrix scores, in Matrix dScores, in Matrix dLogits)
    {
        Operands.SameShape(dScores, scores);
        Operands.SameShape(dLogits, scores);
        LaunchGradient(SigmoidGradientKernel, scores, dScores, dLogits);
    }

    /// <inheritdoc />
    public void SwiGlu(in Matrix gate, in Matrix up, in Matrix output)
    {
        Operands.SameShape(up, gate);
        Operands.SameShape(output, gate);
        if (LaunchShapes.AreDense(gate, up, output))
        {
            Launch(
                SwiGluKernel, LaunchShapes.Elements(LaunchShapes.Line(output)),
                new SwiGluParameters(LaunchShapes.Line(gate), LaunchShapes.Line(up), LaunchShapes.Line(output)));
        }
        else
        {
            Launch(SwiGluKernel, LaunchShapes.Elements(output), new SwiGluParameters(gate, up, output));
        }
    }

    /// <inheritdoc />
    public void SwiGluGradient(in Matrix gate, in Matrix up, in Matrix dOutput, in Matrix dGate, in Matrix dUp)
    {
        Operands.SameShape(up, gate);
        Operands.SameShape(dOutput, gate);
        Operands.SameShape(dGate, gate);
        Operands.SameShape(dUp, gate);
        if (LaunchShapes.AreDense(gate, up, dOutput, dGate, dUp))
        {
            Launch(
                SwiGluGradientKernel, LaunchShapes.Elements(LaunchShapes.Line(gate)),
                new SwiGluGradientParameters(
                    LaunchShapes.Line(gate), LaunchShapes.Line(up), LaunchShapes.Line(dOutput), LaunchShapes.Line(dGate), LaunchShapes.Line(dUp)));
        }
        else
        {
            Launch(SwiGluGradientKernel, LaunchShapes.Elements(gate), new SwiGluGradientParameters(gate, up, dOutput, dGate, dUp));
        }
    }

    private void LaunchGradient(KernelName kernel, in Matrix input, in Matrix dOutput, in Matrix dInput)
    {
        if (LaunchShapes.AreDense(input, dOutput, dInput))
        {
            Launch(
                kernel, LaunchShapes.Elements(LaunchShapes.Line(dInput)),
                new ActivationGradientParameters(LaunchShapes.Line(input), LaunchShapes.Line(dOutput), LaunchShapes.Line(dInput)));
        }
        else
        {
            Launch(kernel, LaunchShapes.Elements(dInput), new ActivationGradientParameters(input, dOutput, dInput));
        }
    }
}
