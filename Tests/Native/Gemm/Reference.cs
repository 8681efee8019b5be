using MoEActors.Native.Memory;

namespace MoEActors.Tests.Native.Gemm;

/// <summary>Products as their definition has them: one chain of fused multiply-adds in ascending k.</summary>
internal static class Reference
{
    public static float Element(in Matrix m, int row, int column) =>
        m.Data.AsSpan()[m.IsTransposed ? column * m.Stride + row : row * m.Stride + column];

    public static float[,] Product(in Matrix a, in Matrix b, in Matrix c, bool add)
    {
        var result = new float[c.Rows, c.Columns];
        for (int i = 0; i < c.Rows; i++)
        {
            for (int j = 0; j < c.Columns; j++)
            {
                float chain = Chain(a, b, i, j, 0, a.Columns);
                result[i, j] = add ? Element(c, i, j) + chain : chain;
            }
        }

        return result;
    }

    public static float[,] WeightGradient(in Matrix x, in Matrix y, in Matrix gradient, ReadOnlySpan<int> segments)
    {
        var result = new float[gradient.Rows, gradient.Columns];
        for (int i = 0; i < gradient.Rows; i++)
        {
            for (int j = 0; j < gradient.Columns; j++)
            {
                float sum = Element(gradient, i, j);
                int start = 0;
                foreach (int length in segments)
                {
                    sum += Chain(x.T, y, i, j, start, length);
                    start += length;
                }

                result[i, j] = sum;
            }
        }

        return result;
    }

    private static unsafe float Chain(in Matrix a, in Matrix b, int i, int j, int start, int length)
    {
        (nint stepA, nint rowA) = a.IsTransposed ? (a.Stride, 1) : (1, a.Stride);
        (nint stepB, nint columnB) = b.IsTransposed ? (1, b.Stride) : (b.Stride, 1);
        float* x = a.Data.Pointer + i * rowA + start * stepA;
        float* y = b.Data.Pointer + j * columnB + start * stepB;
        float chain = 0;
        for (int k = 0; k < length; k++)
        {
            chain = MathF.FusedMultiplyAdd(x[k * stepA], y[k * stepB], chain);
        }

        return chain;
    }
}
