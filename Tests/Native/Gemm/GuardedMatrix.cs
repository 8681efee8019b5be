using MoEActors.Native;
using MoEActors.Native.Memory;

namespace MoEActors.Tests.Native.Gemm;

/// <summary>A random matrix whose surroundings are marked: what a product writes outside of its result is found.</summary>
internal sealed class GuardedMatrix : IDisposable
{
    private const int Margin = 64;
    private const float Mark = -12345.5f;

    private readonly DeviceBuffer _buffer;

    public GuardedMatrix(IDevice device, Random random, int rows, int columns, int gap = 0, bool transposed = false)
    {
        (int storedRows, int storedColumns) = transposed ? (columns, rows) : (rows, columns);
        int stride = storedColumns + gap;
        int length = Math.Max(0, storedRows - 1) * stride + storedColumns;
        _buffer = device.Allocate((length + 2 * Margin) * sizeof(float));
        DeviceSpan<float> all = _buffer.As<float>();
        device.Fill(all, Mark);
        var stored = new Matrix(all.Slice(Margin, length), storedRows, storedColumns, stride);
        Matrix = transposed ? stored.T : stored;
        Span<float> data = stored.Data.AsSpan();
        for (int i = 0; i < storedRows; i++)
        {
            for (int j = 0; j < storedColumns; j++)
            {
                data[i * stride + j] = (float)(random.NextDouble() * 2 - 1);
            }
        }
    }

    public Matrix Matrix { get; }

    /// <summary>Asserts that the matrix is <paramref name="expected"/>, bit for bit, and that nothing around it was touched.</summary>
    public void AssertIs(float[,] expected, string what)
    {
        Span<float> data = Matrix.Data.AsSpan();
        for (int i = 0; i < Matrix.Rows; i++)
        {
            for (int j = 0; j < Matrix.Columns; j++)
            {
                float found = data[i * Matrix.Stride + j];
                if (BitConverter.SingleToInt32Bits(found) != BitConverter.SingleToInt32Bits(expected[i, j]))
                {
                    Assert.Fail($"{what}: element ({i}, {j}) is {found:R}, should be {expected[i, j]:R}.");
                }
            }
        }

        Span<float> all = _buffer.As<float>().AsSpan();
        for (int i = 0; i < all.Length; i++)
        {
            int at = i - Margin;
            bool inside = at >= 0 && Matrix.Stride > 0 && at / Matrix.Stride < Matrix.Rows && at % Matrix.Stride < Matrix.Columns;
            if (!inside && all[i] != Mark)
            {
                Assert.Fail($"{what}: {at} elements from the start, outside of the result, something was written.");
            }
        }
    }

    public void Dispose() => _buffer.Dispose();
}
