using MoEActors.Native.Cuda.Kernels;
using MoEActors.Native.Cuda.Parameters;
using MoEActors.Native.Memory;
using MoEActors.Native.Operations;

namespace MoEActors.Native.Cuda;

/// <summary>Activations. Where no operand has gaps between its rows, they are taken as one row.</summary>
public sealed unsafe partial class CudaDevice
{
    private static readonly TypedKernel GeluKernel = new("activations", "gelu");
    private static readonly TypedKernel GeluGradientKernel = new("activations", "gelu_gradient");
    private static readonly TypedKernel ReluKernel = new("activations", "relu");
    private static readonly TypedKernel ReluGradientKernel = new("activations", "relu_gradient");
    private static readonly KernelName SigmoidGradientKernel = new("activations", "sigmoid_gradient");
    private static readonly TypedKernel SwiGluKernel = new("activations", "swiglu");
    private static readonly TypedKernel SwiGluGradientKernel = new("activations", "swiglu_gradient");

    /// <inheritdoc />
    public void Gelu(in Matrix preactivation, DeviceSpan<float> bias, in Matrix output)
    {
        Operands.SameShape(output, preactivation);
        Operands.HasLengthOrIsEmpty(bias, preactivation.Columns);
        bool line = bias.IsEmpty && LaunchShapes.AreDense(preactivation, output);
        Matrix x = Line(preactivation, line), y = Line(output, line);
        ElementType element = output.Element;
        Launch(GeluKernel.Of(element), LaunchShapes.Elements(y), new GeluParameters(CudaMatrix.Of(x, element), Optional(bias), CudaMatrix.Of(y, element)));
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
        Matrix input = Line(x, line), output = Line(y, line);
        ElementType element = output.Element;
        Launch(ReluKernel.Of(element), LaunchShapes.Elements(output), new ActivationParameters(CudaMatrix.Of(input, element), CudaMatrix.Of(output, element)));
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
        bool line = LaunchShapes.AreDense(scores, dScores, dLogits);
        Matrix dx = Line(dLogits, line);
        Launch(SigmoidGradientKernel, LaunchShapes.Elements(dx), new ActivationGradientParameters(Line(scores, line), Line(dScores, line), dx));
    }

    /// <inheritdoc />
    public void SwiGlu(in Matrix gate, in Matrix up, in Matrix output)
    {
        Operands.SameShape(up, gate);
        Operands.SameShape(output, gate);
        bool line = LaunchShapes.AreDense(gate, up, output);
        Matrix y = Line(output, line);
        ElementType element = y.Element;
        Launch(
            SwiGluKernel.Of(element), LaunchShapes.Elements(y),
            new SwiGluParameters(CudaMatrix.Of(Line(gate, line), element), CudaMatrix.Of(Line(up, line), element), CudaMatrix.Of(y, element)));
    }

    /// <inheritdoc />
    public void SwiGluGradient(in Matrix gate, in Matrix up, in Matrix dOutput, in Matrix dGate, in Matrix dUp)
    {
        Operands.SameShape(up, gate);
        Operands.SameShape(dOutput, gate);
        Operands.SameShape(dGate, gate);
        Operands.SameShape(dUp, gate);
        bool line = LaunchShapes.AreDense(gate, up, dOutput, dGate, dUp);
        Matrix g = Line(gate, line);
        ElementType element = g.Element;
        Launch(
            SwiGluGradientKernel.Of(element), LaunchShapes.Elements(g),
            new SwiGluGradientParameters(
                CudaMatrix.Of(g, element), CudaMatrix.Of(Line(up, line), element), CudaMatrix.Of(Line(dOutput, line), element),
                CudaMatrix.Of(Line(dGate, line), element), CudaMatrix.Of(Line(dUp, line), element)));
    }

    private static Matrix Line(in Matrix matrix, bool line) => line ? LaunchShapes.Line(matrix) : matrix;

    private void LaunchGradient(TypedKernel kernel, in Matrix input, in Matrix dOutput, in Matrix dInput)
    {
        bool line = LaunchShapes.AreDense(input, dOutput, dInput);
        Matrix dx = Line(dInput, line);
        ElementType element = dx.Element;
        Launch(
            kernel.Of(element), LaunchShapes.Elements(dx),
            new ActivationGradientParameters(CudaMatrix.Of(Line(input, line), element), CudaMatrix.Of(Line(dOutput, line), element), CudaMatrix.Of(dx, element)));
    }
}
