using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using MoEActors.Native.Cpu.Threads;
using MoEActors.Native.Memory;

namespace MoEActors.Native.Cpu.Kernels;

/// <summary>Sums and maxima over one row, 16 lanes side by side, in an order that depends on the length alone.</summary>
internal static unsafe class RowReduction
{
    private const int Block = 4 * Lanes.Count;

    /// <summary>Σ x.</summary>
    [MethodImpl(Compilation.AtOnce)]
    public static float Sum(float* x, int count)
    {
        Vector512<float> sum = Vector512<float>.Zero;
        for (int i = 0; i < count; i += Lanes.Count)
        {
            sum += Lanes.Load(x + i, count - i);
        }

        return Lanes.Sum(sum);
    }

    /// <summary>Σ x·y.</summary>
    [MethodImpl(Compilation.AtOnce)]
    public static float Dot(float* x, float* y, int count)
    {
        Vector512<float> a = Vector512<float>.Zero, b = a, c = a, d = a;
        int i = 0;
        for (; i <= count - Block; i += Block)
        {
            a = Vector512.FusedMultiplyAdd(Vector512.Load(x + i), Vector512.Load(y + i), a);
            b = Vector512.FusedMultiplyAdd(Vector512.Load(x + i + 16), Vector512.Load(y + i + 16), b);
            c = Vector512.FusedMultiplyAdd(Vector512.Load(x + i + 32), Vector512.Load(y + i + 32), c);
            d = Vector512.FusedMultiplyAdd(Vector512.Load(x + i + 48), Vector512.Load(y + i + 48), d);
        }

        for (; i < count; i += Lanes.Count)
        {
            a = Vector512.FusedMultiplyAdd(Lanes.Load(x + i, count - i), Lanes.Load(y + i, count - i), a);
        }

        return Lanes.Sum((a + b) + (c + d));
    }

    /// <summary>Σ x·y·z, the product of x and y rounded first.</summary>
    [MethodImpl(Compilation.AtOnce)]
    public static float Dot(float* x, float* y, float* z, int count)
    {
        Vector512<float> a = Vector512<float>.Zero, b = a, c = a, d = a;
        int i = 0;
        for (; i <= count - Block; i += Block)
        {
            a = Vector512.FusedMultiplyAdd(Vector512.Load(x + i) * Vector512.Load(y + i), Vector512.Load(z + i), a);
            b = Vector512.FusedMultiplyAdd(Vector512.Load(x + i + 16) * Vector512.Load(y + i + 16), Vector512.Load(z + i + 16), b);
            c = Vector512.FusedMultiplyAdd(Vector512.Load(x + i + 32) * Vector512.Load(y + i + 32), Vector512.Load(z + i + 32), c);
            d = Vector512.FusedMultiplyAdd(Vector512.Load(x + i + 48) * Vector512.Load(y + i + 48), Vector512.Load(z + i + 48), d);
        }

        for (; i < count; i += Lanes.Count)
        {
            int left = count - i;
            a = Vector512.FusedMultiplyAdd(Lanes.Load(x + i, left) * Lanes.Load(y + i, left), Lanes.Load(z + i, left), a);
        }

        return Lanes.Sum((a + b) + (c + d));
    }

    /// <summary>The largest element; −∞ of none. A NaN may be lost.</summary>
    [MethodImpl(Compilation.AtOnce)]
    public static float Max(float* x, int count)
    {
        Vector512<float> lowest = Vector512.Create(float.NegativeInfinity);
        Vector512<float> a = lowest, b = a, c = a, d = a;
        int i = 0;
        for (; i <= count - Block; i += Block)
        {
            a = Vector512.MaxNative(a, Vector512.Load(x + i));
            b = Vector512.MaxNative(b, Vector512.Load(x + i + 16));
            c = Vector512.MaxNative(c, Vector512.Load(x + i + 32));
            d = Vector512.MaxNative(d, Vector512.Load(x + i + 48));
        }

        for (; i < count; i += Lanes.Count)
        {
            a = Vector512.MaxNative(a, Lanes.Load(x + i, count - i, lowest));
        }

        return Lanes.Max(Vector512.MaxNative(Vector512.MaxNative(a, b), Vector512.MaxNative(c, d)));
    }
}

/// <summary>A kernel that computes row after row, or other units that have nothing to do with each other. Its method is inlined into the loop.</summary>
internal interface IRowKernel
{
    void Run(int row);
}

/// <summary>Runs a kernel on a range of rows.</summary>
internal readonly struct RowLoop<TKernel>(TKernel kernel) : IRangeBody
    where TKernel : struct, IRowKernel
{
    [MethodImpl(Compilation.AtOnce)]
    public void Run(int start, int end)
    {
        TKernel rows = kernel;
        for (int row = start; row < end; row++)
        {
            rows.Run(row);
        }
    }
}

/// <summary>The rows of matrices in host memory.</summary>
internal static unsafe class MatrixRows
{
    /// <summary><c>to = factor·from</c>, which may be the same memory.</summary>
    [MethodImpl(Compilation.AtOnce)]
    public static void Scale(float* from, float* to, int count, float factor)
    {
        Vector512<float> factors = Vector512.Create(factor);
        for (int i = 0; i < count; i += Lanes.Count)
        {
            Lanes.Store(to + i, Lanes.Load(from + i, count - i) * factors, count - i);
        }
    }

    /// <summary>The first element of row <paramref name="row"/> of a view that is not transposed.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float* Row(this in Matrix matrix, int row) => matrix.Data.Pointer + (nint)row * matrix.Stride;
}
