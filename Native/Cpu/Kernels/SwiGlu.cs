using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using MoEActors.Native.Cpu.Threads;
using MoEActors.Native.Memory;

namespace MoEActors.Native.Cpu.Kernels;

/// <summary>silu(gate)·up, silu(g) = g·sigmoid(g).</summary>
internal readonly unsafe struct SwiGluKernel(Matrix gate, Matrix up, Matrix output) : IRangeBody
{
    [MethodImpl(Compilation.AtOnce)]
    public void Run(int start, int end)
    {
        int columns = gate.Columns;
        for (int row = start; row < end; row++)
        {
            float* g = gate.Row(row), u = up.Row(row), y = output.Row(row);
            for (int i = 0; i < columns; i += Lanes.Count)
            {
                int left = columns - i;
                Vector512<float> value = Lanes.Load(g + i, left);
                Lanes.Store(y + i, value * VectorMath.Sigmoid(value) * Lanes.Load(u + i, left), left);
            }
        }
    }
}

/// <summary>dUp = dy·silu(g) and dGate = dy·up·silu′(g), silu′(g) = s·(1 + g·(1 − s)) with s = sigmoid(g).</summary>
internal readonly unsafe struct SwiGluGradientKernel(Matrix gate, Matrix up, Matrix dOutput, Matrix dGate, Matrix dUp) : IRangeBody
{
    [MethodImpl(Compilation.AtOnce)]
    public void Run(int start, int end)
    {
        Vector512<float> one = Vector512<float>.One;
        int columns = gate.Columns;
        for (int row = start; row < end; row++)
        {
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
}
