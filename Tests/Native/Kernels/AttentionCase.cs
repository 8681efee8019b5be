using MoEActors.Native.Memory;
using MoEActors.Native.Operations;

namespace MoEActors.Tests.Native.Kernels;

/// <summary>Attention over queries, keys and values that lie side by side as a layer has them, on the device and in double precision.</summary>
internal sealed class AttentionCase : IDisposable
{
    private const float Scale = 0.4f;

    private readonly KernelMemory _memory;
    private readonly AttentionShape _shape;
    private readonly int _length;
    private readonly int[] _firstKeys;
    private readonly Matrix _inputs;
    private readonly Matrix _output;
    private readonly Matrix _dOutput;
    private readonly Matrix _dInputs;

    /// <summary>Random rows. No first keys: all are seen.</summary>
    public AttentionCase(Random random, AttentionShape shape, int sequences, int length, int[] firstKeys, int threads = 1)
    {
        _memory = new KernelMemory(threads);
        (_shape, _length, _firstKeys) = (shape, length, firstKeys);
        int rows = sequences * length;
        _inputs = _memory.Matrix(Values.Matrix(random, rows, shape.Columns), gap: 3, shift: 1);
        _dOutput = _memory.Matrix(Values.Matrix(random, rows, shape.QueryColumns), gap: 2);
        _output = _memory.Matrix(new float[rows, shape.QueryColumns], gap: 1);
        _dInputs = _memory.Matrix(new float[rows, shape.Columns], gap: 5, shift: 3);
    }

    /// <summary>Queries, keys and values by row.</summary>
    public double[] Inputs => Values.Doubles(Flat(_inputs));

    public double[] OutputGradient => Values.Doubles(Flat(_dOutput));

    public float[] Output => Flat(_output);

    public float[] InputGradient => Flat(_dInputs);

    /// <summary>Takes rows of another case of the same shape, from <paramref name="first"/> on.</summary>
    public void Take(AttentionCase other, int first)
    {
        Copy(other._inputs.SliceRows(first, _inputs.Rows), _inputs);
        Copy(other._dOutput.SliceRows(first, _inputs.Rows), _dOutput);
    }

    /// <summary>Changes queries, keys and values of some rows.</summary>
    public void Disturb(Predicate<int> rows)
    {
        for (int row = 0; row < _inputs.Rows; row++)
        {
            if (rows(row))
            {
                _memory.Device.Fill(_inputs.SliceRows(row, 1).Data.Slice(0, _inputs.Columns), 1 + row % 3);
            }
        }
    }

    /// <summary>Forward and backward on the device, in memory that holds nothing before.</summary>
    public void Run()
    {
        AttentionMemory memory = _memory.Device.AttentionMemory(_shape, _inputs.Rows, _length);
        DeviceSpan<float> state = Undefined(memory.State), scratch = Undefined(memory.Scratch);
        DeviceSpan<int> firstKeys = _firstKeys.Length == 0 ? default : _memory.Integers(_firstKeys);
        _memory.Device.Attention(_shape, Queries(_inputs), Keys(_inputs), ValuesOf(_inputs), firstKeys, _length, Scale, _output, state);
        _memory.Device.AttentionGradient(
            _shape, Queries(_inputs), Keys(_inputs), ValuesOf(_inputs), firstKeys, _length, Scale, _output, state, _dOutput,
            Queries(_dInputs), Keys(_dInputs), ValuesOf(_dInputs), scratch);
    }

    /// <summary>The output by the formula.</summary>
    public double[] Exactly(double[] inputs)
    {
        var output = new double[_inputs.Rows * _shape.QueryColumns];
        for (int row = 0; row < _inputs.Rows; row++)
        {
            for (int head = 0; head < _shape.Heads; head++)
            {
                double[] probabilities = Probabilities(inputs, row, head);
                for (int seen = 0; seen < probabilities.Length; seen++)
                {
                    for (int i = 0; i < _shape.HeadDim; i++)
                    {
                        output[row * _shape.QueryColumns + head * _shape.HeadDim + i] += probabilities[seen] * inputs[ValueAt(First(row) + seen, head) + i];
                    }
                }
            }
        }

        return output;
    }

    /// <summary>The gradient by the formulas of the interface.</summary>
    public double[] ExactGradient()
    {
        double[] inputs = Inputs, dOutput = OutputGradient, gradient = new double[inputs.Length];
        for (int row = 0; row < _inputs.Rows; row++)
        {
            for (int head = 0; head < _shape.Heads; head++)
            {
                double[] p = Probabilities(inputs, row, head);
                int at = row * _shape.QueryColumns + head * _shape.HeadDim, first = First(row);
                double[] dp = [.. p.Select((_, seen) => Dot(dOutput, at, inputs, ValueAt(first + seen, head)))];
                double mean = Exact.Dot(p, dp);
                for (int seen = 0; seen < p.Length; seen++)
                {
                    double ds = Scale * p[seen] * (dp[seen] - mean);
                    for (int i = 0; i < _shape.HeadDim; i++)
                    {
                        gradient[ValueAt(first + seen, head) + i] += p[seen] * dOutput[at + i];
                        gradient[QueryAt(row, head) + i] += ds * inputs[KeyAt(first + seen, head) + i];
                        gradient[KeyAt(first + seen, head) + i] += ds * inputs[QueryAt(row, head) + i];
                    }
                }
            }
        }

        return gradient;
    }

    public void AssertSurroundingsUntouched() => _memory.AssertSurroundingsUntouched();

    public void Dispose() => _memory.Dispose();

    /// <summary>Of the rows from the first that is seen to the row itself.</summary>
    private double[] Probabilities(double[] inputs, int row, int head) => Exact.Softmax(
        [.. Enumerable.Range(First(row), row - First(row) + 1).Select(key => Scale * Dot(inputs, QueryAt(row, head), inputs, KeyAt(key, head)))]);

    /// <summary>The first row that a row sees.</summary>
    private int First(int row) => row / _length * _length + (_firstKeys.Length == 0 ? 0 : _firstKeys[row]);

    private int QueryAt(int row, int head) => row * _shape.Columns + head * _shape.HeadDim;

    private int KeyAt(int row, int head) => row * _shape.Columns + _shape.QueryColumns + head / _shape.Group * _shape.HeadDim;

    private int ValueAt(int row, int head) => KeyAt(row, head) + _shape.KeyColumns;

    private double Dot(double[] a, int atA, double[] b, int atB)
    {
        double sum = 0;
        for (int i = 0; i < _shape.HeadDim; i++)
        {
            sum += a[atA + i] * b[atB + i];
        }

        return sum;
    }

    private Matrix Queries(in Matrix rows) => rows.SliceColumns(0, _shape.QueryColumns);

    private Matrix Keys(in Matrix rows) => rows.SliceColumns(_shape.QueryColumns, _shape.KeyColumns);

    private Matrix ValuesOf(in Matrix rows) => rows.SliceColumns(_shape.QueryColumns + _shape.KeyColumns, _shape.KeyColumns);

    private DeviceSpan<float> Undefined(long count)
    {
        var values = new float[count];
        Array.Fill(values, float.NaN);
        return _memory.Span(values);
    }

    private void Copy(in Matrix from, in Matrix to)
    {
        for (int row = 0; row < to.Rows; row++)
        {
            _memory.Device.Copy(from.SliceRows(row, 1).Data.Slice(0, to.Columns), to.SliceRows(row, 1).Data.Slice(0, to.Columns));
        }
    }

    private static float[] Flat(in Matrix matrix) => [.. KernelMemory.Read(matrix).Cast<float>()];
}
