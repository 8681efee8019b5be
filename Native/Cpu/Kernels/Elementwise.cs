using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using MoEActors.Native.Cpu.Threads;
using MoEActors.Native.Memory;

namespace MoEActors.Native.Cpu.Kernels;

/// <summary>A function of two elements, 16 at once.</summary>
internal interface IElementFunction
{
    static abstract Vector512<float> Of(Vector512<float> a, Vector512<float> b);
}

/// <summary><c>y = f(a, b)</c>, element by element.</summary>
internal readonly unsafe struct ElementwiseKernel<TFunction>(Matrix a, Matrix b, Matrix y) : IRowKernel
    where TFunction : struct, IElementFunction
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Run(int row)
    {
        int columns = y.Columns;
        float* first = a.Row(row), second = b.Row(row), to = y.Row(row);
        for (int i = 0; i < columns; i += Lanes.Count)
        {
            int left = columns - i;
            Lanes.Store(to + i, TFunction.Of(Lanes.Load(first + i, left), Lanes.Load(second + i, left)), left);
        }
    }
}

/// <summary>a·b.</summary>
internal readonly struct Product : IElementFunction
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Of(Vector512<float> a, Vector512<float> b) => a * b;
}

/// <summary>y += x over a range of elements.</summary>
internal readonly unsafe struct AddKernel(DeviceSpan<float> x, DeviceSpan<float> y) : IRangeBody
{
    [MethodImpl(Compilation.AtOnce)]
    public void Run(int start, int end)
    {
        float* from = x.Pointer, to = y.Pointer;
        for (nint i = start; i < end; i += Lanes.Count)
        {
            int left = (int)(end - i);
            Lanes.Store(to + i, Lanes.Load(to + i, left) + Lanes.Load(from + i, left), left);
        }
    }
}

/// <summary>The same row is added to every row.</summary>
internal readonly unsafe struct AddBiasKernel(Matrix y, DeviceSpan<float> bias) : IRowKernel
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Run(int row) => new AddKernel(bias, new DeviceSpan<float>((nint)y.Row(row), y.Columns)).Run(0, y.Columns);
}

/// <summary>x *= factor over a range of elements.</summary>
internal readonly unsafe struct ScaleKernel(DeviceSpan<float> x, float factor) : IRangeBody
{
    [MethodImpl(Compilation.AtOnce)]
    public void Run(int start, int end) => MatrixRows.Scale(x.Pointer + start, x.Pointer + start, end - start, factor);
}
