using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using MoEActors.Native.Memory;

namespace MoEActors.Native.Cpu.Kernels;

/// <summary>The bias is added to the preactivation, which backward needs, and x·Φ(x) of it is the output: one pass over both.</summary>
internal readonly unsafe struct GeluKernel(Matrix preactivation, DeviceSpan<float> bias, Matrix output) : IRowKernel
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Run(int row)
    {
        float* shift = bias.Pointer;
        bool shifted = !bias.IsEmpty;
        int columns = output.Columns;
        float* x = preactivation.Row(row), y = output.Row(row);
        for (int i = 0; i < columns; i += Lanes.Count)
        {
            int left = columns - i;
            Vector512<float> value = Lanes.Load(x + i, left);
            if (shifted)
            {
                value += Lanes.Load(shift + i, left);
                Lanes.Store(x + i, value, left);
            }

            Lanes.Store(y + i, value * NormalDistribution.Cumulative(value, out _), left);
        }
    }
}

/// <summary>dy·gelu′(x), gelu′(x) = Φ(x) + x·φ(x).</summary>
internal readonly struct GeluSlope : IElementFunction
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Of(Vector512<float> x, Vector512<float> dy)
    {
        Vector512<float> cumulative = NormalDistribution.Cumulative(x, out Vector512<float> bell);
        return dy * Vector512.FusedMultiplyAdd(x, bell * Vector512.Create(NormalDistribution.DensityAtZero), cumulative);
    }
}

/// <summary>max(x, 0); what is no number stays so.</summary>
internal readonly unsafe struct ReluKernel(Matrix x, Matrix y) : IRowKernel
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Run(int row)
    {
        int columns = y.Columns;
        float* from = x.Row(row), to = y.Row(row);
        for (int i = 0; i < columns; i += Lanes.Count)
        {
            Lanes.Store(to + i, Vector512.Max(Lanes.Load(from + i, columns - i), Vector512<float>.Zero), columns - i);
        }
    }
}

/// <summary>dy where the output y is above zero, else 0.</summary>
internal readonly struct ReluSlope : IElementFunction
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Of(Vector512<float> y, Vector512<float> dy) => dy & Vector512.GreaterThan(y, Vector512<float>.Zero);
}

/// <summary>silu(gate)·up, silu(g) = g·sigmoid(g).</summary>
internal readonly struct SwiGluFunction : IElementFunction
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Of(Vector512<float> gate, Vector512<float> up) => gate * VectorMath.Sigmoid(gate) * up;
}

/// <summary>dUp = dy·silu(g) and dGate = dy·up·silu′(g), silu′(g) = s·(1 + g·(1 − s)) with s = sigmoid(g).</summary>
internal readonly unsafe struct SwiGluGradientKernel(Matrix gate, Matrix up, Matrix dOutput, Matrix dGate, Matrix dUp) : IRowKernel
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Run(int row)
    {
        Vector512<float> one = Vector512<float>.One;
        int columns = gate.Columns;
        float* g = gate.Row(row), u = up.Row(row), dy = dOutput.Row(row), dg = dGate.Row(row), du = dUp.Row(row);
        for (int i = 0; i < columns; i += Lanes.Count)
        {
            int left = columns - i;
            Vector512<float> value = Lanes.Load(g + i, left);
            Vector512<float> factor = Lanes.Load(u + i, left);
            Vector512<float> gradient = Lanes.Load(dy + i, left);
            Vector512<float> sigmoid = VectorMath.Sigmoid(value);
            Vector512<float> slope = sigmoid * Vector512.FusedMultiplyAdd(value, one - sigmoid, one);
            Lanes.Store(dg + i, gradient * factor * slope, left);
            Lanes.Store(du + i, gradient * (value * sigmoid), left);
        }
    }
}
