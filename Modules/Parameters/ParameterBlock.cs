namespace MoEActors.Modules.Parameters;

/// <summary>A tensor that is trained: its value and the gradient that backward adds to.</summary>
public sealed class Parameter
{
    private readonly IDevice _device;
    private Matrix _gradient;
    private bool _isFresh;

    internal Parameter(IDevice device, ParameterShape shape, Matrix value, Matrix operand, Matrix gradient, long offset)
    {
        _device = device;
        _gradient = gradient;
        Shape = shape;
        Value = value;
        Operand = operand;
        Offset = offset;
    }

    /// <summary>Name, shape, initial value and decay.</summary>
    public ParameterShape Shape { get; }

    /// <summary>[rows, columns].</summary>
    public Matrix Value { get; private set; }

    /// <summary>
    /// The value as products take it: itself, or its copy in the elements that the device multiplies, as of the last
    /// <see cref="ParameterBlock.RoundValues"/>.
    /// </summary>
    public Matrix Operand { get; private set; }

    /// <summary>First element within the block's flat buffers.</summary>
    public long Offset { get; }

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

    /// <summary>The value is in this memory from now on.</summary>
    internal void Bind(Matrix value, Matrix operand) => (Value, Operand) = (value, operand);

    /// <summary>The gradient is in this memory from now on, and counts as zero.</summary>
    internal void BindGradient(Matrix gradient) => (_gradient, _isFresh) = (gradient, true);

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

/// <summary>
/// The tensors that live and move together - one expert shard, or the dense part of a model: values, gradients and both Adam
/// moments, each as one flat buffer on one device.
/// </summary>
public sealed class ParameterBlock : IDisposable
{
    private const int AlignmentBytes = BlockLayout.AlignmentElements * sizeof(float);

    private readonly IDevice _device;
    private readonly DeviceBuffer _memory;
    private readonly DeviceSpan<float> _gradients;
    private readonly Parameter[] _parameters;
    private readonly Dictionary<string, Parameter> _byName = [];

    /// <summary>Allocates the block; gradients and moments are zero, values undefined until <see cref="Initialise"/> or a copy.</summary>
    /// <param name="device">The device that holds it.</param>
    /// <param name="prefix">What makes its tensor names unique in the model, as in <c>layers.0.experts.3.</c>; may be empty.</param>
    /// <param name="layout">Its tensors, in canonical order.</param>
    /// <param name="clear">False to leave gradients and moments undefined too, for a copy of all of them: writing twice costs as much as copying.</param>
    /// <exception cref="OutOfMemoryException">The device has not that much memory left.</exception>
    public ParameterBlock(IDevice device, string prefix, IReadOnlyList<ParameterShape> layout, bool clear = true)
    {
        _device = device;
        Prefix = prefix;
        var places = new BlockLayout(layout);
        long length = places.Length;
        Length = length;
        long exact = 4L * sizeof(float) * length, rounded = 0;
        ElementType operands = device.OperandType;
        long[] roundedOffsets = new long[layout.Count];
        for (int i = 0; i < layout.Count && operands != ElementType.F32; i++)
        {
            roundedOffsets[i] = (exact + rounded) / operands.Bytes();
            rounded += layout[i].IsOperand ? (layout[i].Count * (long)operands.Bytes() + AlignmentBytes - 1) / AlignmentBytes * AlignmentBytes : 0;
        }

        RoundedBytes = rounded;
        _memory = device.Allocate(exact + rounded);
        DeviceSpan<float> all = _memory.As<float>().Slice(0, 4 * length);
        if (clear)
        {
            device.Fill(all, 0f);
        }

        Values = all.Slice(0, length);
        _gradients = all.Slice(length, length);
        FirstMoments = all.Slice(2 * length, length);
        SecondMoments = all.Slice(3 * length, length);
        _parameters = new Parameter[layout.Count];
        for (int i = 0; i < layout.Count; i++)
        {
            ParameterShape shape = layout[i];
            var value = new Matrix(Values.Slice(places.Offsets[i], shape.Count), shape.Rows, shape.Columns);
            _parameters[i] = new Parameter(
                device,
                shape,
                value,
                rounded == 0 || !shape.IsOperand ? value : Matrix.OfRounded(_memory.As<BFloat16>().Slice(roundedOffsets[i], shape.Count), shape.Rows, shape.Columns),
                new Matrix(_gradients.Slice(places.Offsets[i], shape.Count), shape.Rows, shape.Columns),
                places.Offsets[i]);
            _byName.Add(shape.Name, _parameters[i]);
        }
    }

    /// <summary>What makes the block's tensor names unique in the model.</summary>
    public string Prefix { get; }

    /// <summary>The tensors in canonical order.</summary>
    public IReadOnlyList<Parameter> Parameters => _parameters;

    /// <summary>Elements of each flat buffer, padding included.</summary>
    public long Length { get; }

    /// <summary>Bytes of device memory.</summary>
    public long Bytes => _memory.Bytes;

    /// <summary>Bytes of it that are rounded copies of values for products; 0 on a device that rounds nothing.</summary>
    public long RoundedBytes { get; }

    /// <summary>All values.</summary>
    public DeviceSpan<float> Values { get; }

    /// <summary>All gradients.</summary>
    public DeviceSpan<float> Gradients
    {
        get
        {
            EndGradients();
            return _gradients;
        }
    }

    /// <summary>All first moments.</summary>
    public DeviceSpan<float> FirstMoments { get; }

    /// <summary>All second moments.</summary>
    public DeviceSpan<float> SecondMoments { get; }

    /// <summary>Reads a part of one of the block's tensors into host memory.</summary>
    /// <param name="parameter">The tensor.</param>
    /// <param name="part">What of it.</param>
    /// <param name="target">As long as the tensor.</param>
    public void Read(Parameter parameter, BlockPart part, Span<float> target)
    {
        DeviceSpan<float> all = part switch
        {
            BlockPart.FirstMoments => FirstMoments,
            BlockPart.SecondMoments => SecondMoments,
            _ => Values,
        };
        _device.Read(all.Slice(parameter.Offset, parameter.Shape.Count), target);
    }

    /// <summary>The tensor called <paramref name="name"/>.</summary>
    /// <exception cref="KeyNotFoundException">The layout has no such tensor.</exception>
    public Parameter this[string name] =>
        _byName.TryGetValue(name, out Parameter? found)
            ? found
            : throw new KeyNotFoundException($"There is no parameter '{name}' in '{Prefix}'; it has {string.Join(", ", _byName.Keys)}.");

    /// <summary>Sets all values as <paramref name="seed"/> and the tensors' names determine them.</summary>
    public void Initialise(ulong seed)
    {
        foreach (Parameter parameter in Parameters)
        {
            parameter.Shape.Initial.Fill(_device, seed, Prefix + parameter.Shape.Name, parameter.Vector);
        }

        RoundValues();
    }

    /// <summary>Sets values as <see cref="Initialise"/> does, and moments to zero: the block is as it was before the first step.</summary>
    public void Reset(ulong seed)
    {
        _device.Fill(FirstMoments, 0f);
        _device.Fill(SecondMoments, 0f);
        Initialise(seed);
    }

    /// <summary>
    /// Brings what products take of the values (<see cref="Parameter.Operand"/>) up to date, on a device that rounds it. Called when values have changed, before
    /// a pass.
    /// </summary>
    public void RoundValues()
    {
        foreach (Parameter parameter in _parameters)
        {
            if (parameter.Operand != parameter.Value)
            {
                _device.Convert(parameter.Value, parameter.Operand);
            }
        }
    }

    /// <summary>Sets all gradients to zero.</summary>
    public void ClearGradients()
    {
        _device.Fill(_gradients, 0f);
        Array.ForEach(_parameters, static parameter => parameter.Forget());
    }

    /// <summary>
    /// Sets all gradients to zero without writing the zeros: the first addition stores (<see cref="Parameter.GradientToWrite"/>), and a gradient that
    /// nothing was added to is cleared when it is read.
    /// </summary>
    public void BeginGradients() => Array.ForEach(_parameters, static parameter => parameter.Begin());

    /// <summary>Clears the gradients that nothing was added to. Other threads may read gradients only after this.</summary>
    public void EndGradients() => Array.ForEach(_parameters, static parameter => parameter.Settle());

    /// <summary>Adds a part to all gradients; the first one of a step is stored.</summary>
    /// <param name="part">Laid out as <see cref="Gradients"/>.</param>
    public void AddGradients(DeviceSpan<float> part)
    {
        foreach (Parameter parameter in _parameters)
        {
            DeviceSpan<float> tensor = part.Slice(parameter.Offset, parameter.Shape.Count);
            Matrix gradient = parameter.GradientToWrite(out Accumulation accumulation);
            if (accumulation == Accumulation.Store)
            {
                _device.Copy(tensor, gradient.Data);
            }
            else
            {
                _device.Add(tensor, gradient.Data);
            }
        }
    }

    /// <inheritdoc />
    public void Dispose() => _memory.Dispose();
}

/// <summary>What of a block's tensors outlasts a step.</summary>
public enum BlockPart
{
    /// <summary>The values.</summary>
    Values,

    /// <summary>The first moments.</summary>
    FirstMoments,

    /// <summary>The second moments.</summary>
    SecondMoments,
}
