using MoEActors.Native;
using MoEActors.Native.Cpu;
using MoEActors.Native.Memory;

namespace MoEActors.Tests.Native.Kernels;

/// <summary>
/// A device and operands in its memory. Whatever is not an element of an operand holds a marked NaN: a kernel that reads
/// beyond its operand gets a NaN as its result, and one that writes there is found by <see cref="AssertSurroundingsUntouched"/>.
/// </summary>
internal sealed class KernelMemory(int threads = 1) : IDisposable
{
    private const int Margin = 32;

    private static readonly float Mark = BitConverter.Int32BitsToSingle(0x7FC0ABCD);

    private readonly List<(DeviceBuffer Buffer, Matrix Matrix)> _operands = [];

    public IDevice Device { get; } = new CpuDevice(threads);

    /// <summary>A matrix of <paramref name="values"/>, its rows <paramref name="gap"/> elements apart, <paramref name="shift"/> elements off a cache line.</summary>
    public Matrix Matrix(float[,] values, int gap = 0, int shift = 0)
    {
        (int rows, int columns) = (values.GetLength(0), values.GetLength(1));
        int stride = columns + gap;
        int length = rows == 0 ? 0 : (rows - 1) * stride + columns;
        DeviceBuffer buffer = Device.Allocate((length + shift + 2L * Margin) * sizeof(float));
        buffer.As<float>().AsSpan().Fill(Mark);
        var matrix = new Matrix(buffer.As<float>().Slice(Margin + shift, length), rows, columns, stride);
        for (int i = 0; i < rows; i++)
        {
            for (int j = 0; j < columns; j++)
            {
                matrix.Data.AsSpan()[i * stride + j] = values[i, j];
            }
        }

        _operands.Add((buffer, matrix));
        return matrix;
    }

    public DeviceSpan<float> Span(float[] values)
    {
        var row = new float[1, values.Length];
        Buffer.BlockCopy(values, 0, row, 0, values.Length * sizeof(float));
        return Matrix(row).Data;
    }

    public DeviceSpan<int> Integers(params int[] values)
    {
        DeviceBuffer buffer = Device.Allocate(values.Length * sizeof(int));
        _operands.Add((buffer, default));
        Device.Write(values, buffer.As<int>());
        return buffer.As<int>();
    }

    /// <summary>A number that an operation stores; what is there before is none.</summary>
    public DeviceSpan<double> Number()
    {
        DeviceBuffer buffer = Device.Allocate(sizeof(double));
        _operands.Add((buffer, default));
        buffer.As<double>().AsSpan().Fill(double.NaN);
        return buffer.As<double>();
    }

    /// <summary>The sum of squares of numbers in this memory.</summary>
    public double SumOfSquares(DeviceSpan<float> x)
    {
        DeviceSpan<double> sum = Number();
        Device.SumOfSquares(x, sum);
        return sum.AsSpan()[0];
    }

    public static float[,] Read(in Matrix matrix)
    {
        var values = new float[matrix.Rows, matrix.Columns];
        for (int i = 0; i < matrix.Rows; i++)
        {
            for (int j = 0; j < matrix.Columns; j++)
            {
                values[i, j] = matrix.Data.AsSpan()[i * matrix.Stride + j];
            }
        }

        return values;
    }

    public void AssertSurroundingsUntouched()
    {
        foreach ((DeviceBuffer buffer, Matrix matrix) in _operands)
        {
            if (matrix.Stride == 0)
            {
                continue;
            }

            Span<float> all = buffer.As<float>().AsSpan();
            long first = (matrix.Data.Address - buffer.As<float>().Address) / sizeof(float);
            for (int i = 0; i < all.Length; i++)
            {
                long at = i - first;
                bool inside = at >= 0 && at < matrix.Data.Length && at % matrix.Stride < matrix.Columns;
                if (!inside && BitConverter.SingleToInt32Bits(all[i]) != BitConverter.SingleToInt32Bits(Mark))
                {
                    Assert.Fail($"Element {at} relative to a {matrix.Rows}×{matrix.Columns} operand was written.");
                }
            }
        }
    }

    public void Dispose()
    {
        foreach ((DeviceBuffer buffer, Matrix _) in _operands)
        {
            buffer.Dispose();
        }

        Device.Dispose();
    }
}
