using MoEActors.Native;
using MoEActors.Native.Memory;

namespace MoEActors.Modules.Parameters;

/// <summary>A tensor that is trained: its value and the gradient that backward adds to.</summary>
public sealed class Parameter
{
    private readonly IDevice _device;
    private readonly Matrix _gradient;
    private bool _isFresh;

    internal Parameter(IDevice device, ParameterShape shape, Matrix value, Matrix gradient, int offset)
    {
        _device = device;
        _gradient = gradient;
        Shape = shape;
        Value = value;
        Offset = offset;
    }

    /// <summary>Name, shape and habits.</summary>
    public ParameterShape Shape { get; }

    /// <summary>[rows, columns].</summary>
    public Matrix Value { get; }

    /// <summary>First element within the block's flat buffers.</summary>
    public int Offset { get; }

    /// <summary>[rows, columns]; operations add complete parts to it.</summary>
    public Matrix Gradient
    {
        get
        {
            Settle();
            return _gradient;
        }
    }

    /// <summary>The value as a vector.</summary>
    public DeviceSpan<float> Vector => Value.Data;

    /// <summary>The gradient as a vector.</summary>
    public DeviceSpan<float> GradientVector => Gradient.Data;

    /// <summary>
    /// The gradient for an operation that can begin a sum: the first one after <see cref="ParameterBlock.BeginGradients"/> stores, later ones
    /// add, and zeros are neither written nor read.
    /// </summary>
    public Matrix GradientToWrite(out Accumulation accumulation)
    {
        accumulation = _isFresh ? Accumulation.Store : Accumulation.Add;
        _isFresh = false;
        return _gradient;
    }

    /// <summary>The gradient counts as zero from now on, whatever its memory holds.</summary>
    internal void Begin() => _isFresh = true;

    /// <summary>The gradient's memory is up to date.</summary>
    internal void Forget() => _isFresh = false;

    /// <summary>Writes the zeros that nothing has been added to.</summary>
    internal void Settle()
    {
        if (_isFresh)
        {
            _isFresh = false;
            _device.Fill(_gradient.Data, 0f);
        }
    }
}
