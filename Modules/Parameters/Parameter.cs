using MoEActors.Native.Memory;

namespace MoEActors.Modules.Parameters;

/// <summary>A tensor that is trained: its value and the gradient that backward adds to.</summary>
/// <param name="Shape">Name, shape and habits.</param>
/// <param name="Value">[rows, columns].</param>
/// <param name="Gradient">[rows, columns]; operations add complete parts to it.</param>
/// <param name="Offset">First element within the block's flat buffers.</param>
public sealed record Parameter(ParameterShape Shape, Matrix Value, Matrix Gradient, int Offset)
{
    /// <summary>The value as a vector.</summary>
    public DeviceSpan<float> Vector => Value.Data;

    /// <summary>The gradient as a vector.</summary>
    public DeviceSpan<float> GradientVector => Gradient.Data;
}
