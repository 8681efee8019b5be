using MoEActors.Native;
using MoEActors.Native.Memory;

namespace MoEActors.Benchmarks.Devices;

/// <summary>
/// Random operands in a device's memory. Whatever surrounds an operand, before it, behind it and between its rows, holds a marked NaN, so that an
/// operation that reads or writes outside is found.
/// </summary>
/// <param name="device">The device.</param>
/// <param name="seed">Equal seeds give equal operands.</param>
/// <param name="operandType">
/// What operands of products are on the device that is compared. A reference that knows no other elements than fp32 gets the same numbers in fp32.
/// </param>
public sealed class CaseOperands(IDevice device, int seed, ElementType operandType) : IDisposable
{
    private const int Margin = 8;
    private const int MarkBits = 0x7FC0ABCD;

    private static readonly float Mark = BitConverter.Int32BitsToSingle(MarkBits);

    private readonly Random _random = new(seed);
    private readonly List<DeviceBuffer> _buffers = [];
    private readonly List<Func<CaseResult>> _readers = [];

    /// <summary>The device.</summary>
    public IDevice Device => device;

    /// <summary>The source of what the operands hold.</summary>
    public Random Random => _random;

    /// <summary>A matrix of normally distributed elements.</summary>
    /// <param name="rows">Rows.</param>
    /// <param name="columns">Columns.</param>
    /// <param name="gap">Elements between the end of a row and the beginning of the next: odd ones take rows off every alignment.</param>
    /// <param name="scale">Standard deviation.</param>
    public Matrix Matrix(int rows, int columns, int gap = 0, float scale = 1f) => Matrix(rows, columns, gap, (_, _) => scale * Normal());

    /// <summary>A matrix of given elements.</summary>
    /// <param name="rows">Rows.</param>
    /// <param name="columns">Columns.</param>
    /// <param name="gap">Elements between the end of a row and the beginning of the next.</param>
    /// <param name="element">Element (i, j).</param>
    public Matrix Matrix(int rows, int columns, int gap, Func<int, int, float> element) =>
        new(Floats(Stored(rows, columns, gap, element)), rows, columns, columns + gap);

    /// <summary>A matrix of normally distributed elements as products take it: rounded, on a device that rounds operands.</summary>
    public Matrix Operand(int rows, int columns, int gap = 0, float scale = 1f)
    {
        float[] values = Stored(rows, columns, gap, (_, _) => scale * Normal());
        if (operandType == ElementType.F32)
        {
            return new Matrix(Floats(values), rows, columns, columns + gap);
        }

        float[] rounded = [.. values.Select(value => BFloat16.Round(value).ToSingle())];
        return device.OperandType == ElementType.F32
            ? new Matrix(Keep(Surrounded(rounded), operandType).Slice(Margin, values.Length), rows, columns, columns + gap)
            : Rounded(values, rows, columns, columns + gap);
    }

    /// <summary>A matrix of bfloat16, on any device.</summary>
    public Matrix Rounded(int rows, int columns, int gap, Func<int, int, float> element) =>
        Rounded(Stored(rows, columns, gap, element), rows, columns, columns + gap);

    private Matrix Rounded(float[] values, int rows, int columns, int stride)
    {
        BFloat16[] all = [.. Surrounded(values).Select(BFloat16.Round)];
        return Native.Memory.Matrix.OfRounded(Keep(all, ElementType.BF16).Slice(Margin, values.Length), rows, columns, stride);
    }

    private static float[] Stored(int rows, int columns, int gap, Func<int, int, float> element)
    {
        int stride = columns + gap;
        var values = new float[rows == 0 || columns == 0 ? 0 : (rows - 1) * stride + columns];
        Array.Fill(values, Mark);
        for (int i = 0; i < rows; i++)
        {
            for (int j = 0; j < columns; j++)
            {
                values[i * stride + j] = element(i, j);
            }
        }

        return values;
    }

    /// <summary>Normally distributed elements.</summary>
    public DeviceSpan<float> Vector(int length, float scale = 1f) => Floats([.. Enumerable.Range(0, length).Select(_ => scale * Normal())]);

    /// <summary>Given elements.</summary>
    public DeviceSpan<float> Floats(float[] values) => Keep(Surrounded(values)).Slice(Margin, values.Length);

    /// <summary>Given integers.</summary>
    public DeviceSpan<int> Integers(params int[] values)
    {
        int[] all = [.. Enumerable.Repeat(MarkBits, Margin), .. values, .. Enumerable.Repeat(MarkBits, Margin)];
        return Keep(all).Slice(Margin, values.Length);
    }

    /// <summary>Integers from <paramref name="lowest"/> up to below <paramref name="limit"/>.</summary>
    public DeviceSpan<int> Integers(int length, int lowest, int limit) =>
        Integers([.. Enumerable.Range(0, length).Select(_ => _random.Next(lowest, limit))]);

    /// <summary>Doubles, NaN to begin with.</summary>
    public DeviceSpan<double> Doubles(int length) => Keep([.. Enumerable.Repeat(double.NaN, length)]);

    /// <summary>Working memory, whose content afterwards is the device's own affair.</summary>
    public DeviceSpan<float> Scratch(long length)
    {
        DeviceBuffer buffer = device.Allocate(length * sizeof(float));
        _buffers.Add(buffer);
        return buffer.As<float>();
    }

    /// <summary>For each row <paramref name="k"/> different columns, best first; every seventh row takes no part.</summary>
    public DeviceSpan<int> Choices(int rows, int columns, int k)
    {
        var choices = new int[rows * k];
        for (int row = 0; row < rows; row++)
        {
            int[] order = [.. Enumerable.Range(0, columns)];
            _random.Shuffle(order);
            for (int j = 0; j < k; j++)
            {
                choices[row * k + j] = row % 7 == 6 ? -1 : order[j];
            }
        }

        return Integers(choices);
    }

    /// <summary>1 for most rows, 0 for every fifth.</summary>
    public DeviceSpan<int> Valid(int rows) => Integers([.. Enumerable.Range(0, rows).Select(row => row % 5 == 4 ? 0 : 1)]);

    /// <summary>All operands as they are now, what surrounds them included.</summary>
    internal IReadOnlyList<CaseResult> Read() => [.. _readers.Select(read => read())];

    /// <summary>A normally distributed number.</summary>
    public float Normal() =>
        (float)(Math.Sqrt(-2 * Math.Log(1 - _random.NextDouble())) * Math.Cos(2 * Math.PI * _random.NextDouble()));

    /// <inheritdoc />
    public void Dispose()
    {
        foreach (DeviceBuffer buffer in _buffers)
        {
            buffer.Dispose();
        }
    }

    private static float[] Surrounded(float[] values) => [.. Enumerable.Repeat(Mark, Margin), .. values, .. Enumerable.Repeat(Mark, Margin)];

    private DeviceSpan<T> Keep<T>(T[] values, ElementType element = ElementType.F32)
        where T : unmanaged
    {
        DeviceBuffer buffer = device.Allocate((long)values.Length * System.Runtime.CompilerServices.Unsafe.SizeOf<T>());
        DeviceSpan<T> span = buffer.As<T>();
        device.Write(values, span);
        _buffers.Add(buffer);
        _readers.Add(() =>
        {
            var read = new T[values.Length];
            device.Read(span, read);
            Array result = read is BFloat16[] rounded ? Array.ConvertAll(rounded, value => value.ToSingle()) : read;
            return new CaseResult(result, IsRounded: element == ElementType.BF16);
        });
        return span;
    }
}

/// <summary>An operand after the operation.</summary>
/// <param name="Values">Its elements, those of bfloat16 widened, and what surrounds them.</param>
/// <param name="IsRounded">Whether the device that is compared has it in bfloat16.</param>
internal sealed record CaseResult(Array Values, bool IsRounded);
