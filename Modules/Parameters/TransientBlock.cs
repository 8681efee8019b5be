namespace MoEActors.Modules.Parameters;

/// <summary>
/// Values of a block that is held elsewhere, in memory that is lent for a pass: what products read of an expert or of a slice of one, without moments. The
/// gradients of its parameters have no memory unless some is lent as well.
/// </summary>
public sealed class TransientBlock
{
    private readonly IDevice _device;
    private readonly Parameter[] _parameters;

    /// <summary>A block without memory.</summary>
    /// <param name="device">The device that computes.</param>
    /// <param name="layout">Its tensors, in canonical order.</param>
    public TransientBlock(IDevice device, IReadOnlyList<ParameterShape> layout)
    {
        var places = new BlockLayout(layout);
        _device = device;
        _parameters = [.. layout.Select((shape, i) => new Parameter(device, shape, value: default, operand: default, gradient: default, places.Offsets[i]))];
    }

    /// <summary>The tensors in canonical order.</summary>
    public IReadOnlyList<Parameter> Parameters => _parameters;

    /// <summary>Elements of the values of a layout, padding included.</summary>
    public static long LengthOf(IReadOnlyList<ParameterShape> layout) => new BlockLayout(layout).Length;

    /// <summary>Takes the values that lie in <paramref name="values"/>; what products take of them is rounded where the device rounds operands.</summary>
    /// <param name="values"><see cref="LengthOf"/> elements, as <see cref="ParameterBlock.Values"/> has them.</param>
    /// <param name="arena">Memory that lasts as long.</param>
    public void Bind(DeviceSpan<float> values, Arena arena)
    {
        foreach (Parameter parameter in _parameters)
        {
            ParameterShape shape = parameter.Shape;
            var value = new Matrix(values.Slice(parameter.Offset, shape.Count), shape.Rows, shape.Columns);
            Matrix operand = value;
            if (shape.IsOperand && _device.OperandType != ElementType.F32)
            {
                operand = Matrix.OfRounded(arena.Take<BFloat16>(shape.Count), shape.Rows, shape.Columns);
                _device.Convert(value, operand);
            }

            parameter.Bind(value, operand);
        }
    }

    /// <summary>Takes memory for the gradients, which count as zero.</summary>
    /// <param name="gradients"><see cref="LengthOf"/> elements, laid out as the values.</param>
    public void BindGradients(DeviceSpan<float> gradients)
    {
        foreach (Parameter parameter in _parameters)
        {
            ParameterShape shape = parameter.Shape;
            parameter.BindGradient(new Matrix(gradients.Slice(parameter.Offset, shape.Count), shape.Rows, shape.Columns));
        }
    }

    /// <summary>Clears the gradients that nothing was added to, before others read them.</summary>
    public void EndGradients() => Array.ForEach(_parameters, static parameter => parameter.Settle());
}
