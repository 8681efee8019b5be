using MoEActors.Modules.Autograd;
using MoEActors.Modules.Parameters;
using MoEActors.Native.Operations;

namespace MoEActors.Modules.Experts;

/// <summary>
/// Rows that have arrived at some experts, and grouped operations on them. The rows of expert i are contiguous, those of
/// source 0 first: one segment per (expert, source), so that weight gradients come as one part per micro-batch. One object
/// per layer, filled anew by every forward pass.
/// </summary>
public sealed class ExpertBatch
{
    private readonly List<Matrix> _saved = [];
    private MatrixProduct[] _products = [];
    private WeightGradient[] _gradients = [];
    private int[] _offsets = [];
    private int[] _segments = [];
    private bool[] _begun = [];
    private int _sources;
    private IGradientParts? _parts;

    /// <summary>The tape of the pass.</summary>
    public Tape Tape { get; private set; } = null!;

    /// <summary>The parameters of each expert, in the order of its layout.</summary>
    public IReadOnlyList<IReadOnlyList<Parameter>> Experts { get; private set; } = [];

    /// <summary>Rows of all experts together.</summary>
    public int Rows { get; private set; }

    /// <summary>[rows, features] inputs.</summary>
    public Matrix Input { get; private set; }

    /// <summary>[rows, features] outputs.</summary>
    public Matrix Output { get; private set; }

    /// <summary>How the outputs are written.</summary>
    public Accumulation OutputAccumulation { get; private set; }

    /// <summary>Gradients of the outputs; set before backward.</summary>
    public Matrix OutputGradient { get; private set; }

    /// <summary>Gradients of the inputs; set before backward.</summary>
    public Matrix InputGradient { get; private set; }

    /// <summary>How the gradients of the inputs are written.</summary>
    public Accumulation InputAccumulation { get; private set; }

    /// <summary>Starts a forward pass.</summary>
    /// <param name="tape">The tape.</param>
    /// <param name="experts">Parameters of the experts.</param>
    /// <param name="segmentLengths">[experts × sources] rows.</param>
    /// <param name="sources">Segments per expert.</param>
    /// <param name="input">The rows.</param>
    /// <param name="output">Where outputs go.</param>
    /// <param name="accumulation">How they are written.</param>
    /// <param name="parts">Which parts of weight gradients are kept apart; null for none.</param>
    public void Begin(
        Tape tape, IReadOnlyList<IReadOnlyList<Parameter>> experts, ReadOnlySpan<int> segmentLengths, int sources, in Matrix input,
        in Matrix output, Accumulation accumulation, IGradientParts? parts = null)
    {
        Tape = tape;
        Experts = experts;
        Input = input;
        Output = output;
        OutputAccumulation = accumulation;
        _sources = sources;
        _parts = parts;
        _saved.Clear();
        int gradients = experts.Count * (parts is null ? 1 : 1 + sources);
        if (_offsets.Length < experts.Count + 1 || _segments.Length < segmentLengths.Length || _gradients.Length < gradients)
        {
            _offsets = new int[experts.Count + 1];
            _segments = new int[segmentLengths.Length];
            _products = new MatrixProduct[experts.Count];
            _gradients = new WeightGradient[gradients];
        }

        segmentLengths.CopyTo(_segments);
        for (int e = 0; e < experts.Count; e++)
        {
            _offsets[e + 1] = _offsets[e] + RowsOf(e, sources);
        }

        Rows = _offsets[experts.Count];
    }

    /// <summary>Starts the backward pass of the same rows.</summary>
    public void BeginBackward(in Matrix outputGradient, in Matrix inputGradient, Accumulation accumulation)
    {
        OutputGradient = outputGradient;
        InputGradient = inputGradient;
        InputAccumulation = accumulation;
        _parts?.Begin();
        if (_begun.Length < ParameterCount)
        {
            _begun = new bool[ParameterCount];
        }

        Array.Clear(_begun);
    }

    /// <summary>Ends the backward pass: zeros for the tensors of parts that the kind gave no gradient.</summary>
    public void EndBackward()
    {
        for (int i = 0; _parts is not null && i < ParameterCount; i++)
        {
            if (!_begun[i])
            {
                BeginParts(i);
            }
        }
    }

    /// <summary>Columns of a parameter; 0 where the worker has no expert, and with it no rows.</summary>
    /// <param name="parameter">Its place in the layout.</param>
    public int ColumnsOf(int parameter) => Experts.Count == 0 ? 0 : Experts[0][parameter].Shape.Columns;

    /// <summary>
    /// A matrix of <see cref="Rows"/> rows, of the elements that the device multiplies, that backward will need: <see cref="Saved"/> returns it by order of
    /// creation.
    /// </summary>
    public Matrix Save(int columns)
    {
        Matrix matrix = NewMatrix(columns);
        _saved.Add(matrix);
        return matrix;
    }

    /// <summary>A matrix of <see cref="Rows"/> rows, of the elements that the device multiplies.</summary>
    public Matrix NewMatrix(int columns) => Tape.NewOperand(Rows, columns);

    /// <summary>The matrix that the index-th call of <see cref="Save"/> returned.</summary>
    public Matrix Saved(int index) => _saved[index];

    /// <summary>The rows of expert <paramref name="expert"/> within a matrix of all rows.</summary>
    public Matrix RowsOf(in Matrix all, int expert) => all.SliceRows(_offsets[expert], _offsets[expert + 1] - _offsets[expert]);

    /// <summary><c>y (+)= x·W</c>, every expert with its own weight.</summary>
    public void Multiply(in Matrix x, int parameter, in Matrix y, Accumulation accumulation = Accumulation.Store) =>
        Multiply(x, parameter, y, accumulation, transposed: false);

    /// <summary><c>dx (+)= dy·Wᵀ</c>, every expert with its own weight.</summary>
    public void MultiplyTransposed(in Matrix dy, int parameter, in Matrix dx, Accumulation accumulation = Accumulation.Store) =>
        Multiply(dy, parameter, dx, accumulation, transposed: true);

    /// <summary><c>dW += xᵀ·dy</c>, a part per segment.</summary>
    public void AddWeightGradient(in Matrix x, in Matrix dy, int parameter)
    {
        if (Experts.Count == 0)
        {
            return;
        }

        Matrix inputs = Tape.Operand(x), gradients = Tape.Operand(dy);
        int products = 0;

        // Memory that is stored into need not be cleared, nor read.
        Accumulation first = _begun[parameter] ? Accumulation.Add : Accumulation.Store;
        _begun[parameter] = true;
        for (int e = 0; e < Experts.Count; e++)
        {
            Parameter weight = Experts[e][parameter];
            int added = AddedSegments(e);
            int row = _offsets[e];
            int rows = added == _sources ? _offsets[e + 1] - row : RowsOf(e, added);
            if (rows > 0)
            {
                // An expert without rows leaves its gradient as it is: a later micro-batch may still be the first to write it.
                Matrix gradient = weight.GradientToWrite(out Accumulation accumulation);
                _gradients[products++] = new WeightGradient(
                    inputs.SliceRows(row, rows), gradients.SliceRows(row, rows), gradient, e * _sources, added, accumulation);
            }

            for (int s = added; s < _sources; s++)
            {
                row += rows;
                rows = _segments[e * _sources + s];
                if (rows > 0)
                {
                    var part = new Matrix(PartOf(e, s, weight), weight.Shape.Rows, weight.Shape.Columns);
                    _gradients[products++] = new WeightGradient(inputs.SliceRows(row, rows), gradients.SliceRows(row, rows), part, e * _sources + s, 1, first);
                }
            }
        }

        Tape.Device.GroupedWeightGradient(_gradients.AsSpan(0, products), _segments.AsSpan(0, Experts.Count * _sources));
    }

    /// <summary><c>db += Σ dy</c>, a part per segment.</summary>
    public void AddBiasGradient(in Matrix dy, int parameter)
    {
        if (Experts.Count > 0 && !_begun[parameter])
        {
            BeginParts(parameter);
        }

        for (int e = 0; e < Experts.Count; e++)
        {
            Parameter bias = Experts[e][parameter];
            int added = AddedSegments(e);
            int row = _offsets[e];
            for (int s = 0; s < _sources; s++)
            {
                int rows = _segments[e * _sources + s];
                if (rows > 0)
                {
                    Tape.Device.AddColumnSums(dy.SliceRows(row, rows), s < added ? bias.GradientVector : PartOf(e, s, bias));
                }

                row += rows;
            }
        }
    }

    private int ParameterCount => Experts.Count == 0 ? 0 : Experts[0].Count;

    /// <summary>Zeros for one tensor of all parts.</summary>
    private void BeginParts(int parameter)
    {
        _begun[parameter] = true;
        for (int e = 0; e < Experts.Count; e++)
        {
            for (int s = AddedSegments(e); s < _sources; s++)
            {
                if (_segments[e * _sources + s] > 0)
                {
                    Tape.Device.Fill(PartOf(e, s, Experts[e][parameter]), 0f);
                }
            }
        }
    }

    private int AddedSegments(int expert) => _parts?.AddedSegments(expert) ?? _sources;

    private int RowsOf(int expert, int segments)
    {
        int rows = 0;
        foreach (int length in _segments.AsSpan(expert * _sources, segments))
        {
            rows += length;
        }

        return rows;
    }

    private DeviceSpan<float> PartOf(int expert, int segment, Parameter parameter) =>
        _parts!.PartOf(expert, segment).Slice(parameter.Offset, parameter.Shape.Count);

    private void Multiply(in Matrix x, int parameter, in Matrix y, Accumulation accumulation, bool transposed)
    {
        Matrix operand = Tape.Operand(x);
        for (int e = 0; e < Experts.Count; e++)
        {
            Matrix weight = Experts[e][parameter].Operand;
            _products[e] = new MatrixProduct(RowsOf(operand, e), transposed ? weight.T : weight, RowsOf(y, e));
        }

        Tape.Device.GroupedMatMul(_products.AsSpan(0, Experts.Count), accumulation);
    }
}

/// <summary>
/// Parts of weight gradients that may not be added yet: the parts of an expert's micro-batches are added at one place, in ascending order, whichever worker
/// computed them. Experts and segments are those of an <see cref="ExpertBatch"/>.
/// </summary>
public interface IGradientParts
{
    /// <summary>Starts the backward pass of what the last forward pass brought.</summary>
    void Begin();

    /// <summary>How many of an expert's first segments are added to its gradient at once; the parts of later ones are kept apart.</summary>
    int AddedSegments(int expert);

    /// <summary>Where the part of a later segment that has rows goes: laid out as the expert's gradients, undefined when the pass begins.</summary>
    DeviceSpan<float> PartOf(int expert, int segment);

    /// <summary>Ends the backward pass: the parts go where they are added. Collective.</summary>
    void End();
}
