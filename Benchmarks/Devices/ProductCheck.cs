using System.Diagnostics;
using MoEActors.Modules.Autograd;
using MoEActors.Native;
using MoEActors.Native.Cpu;
using MoEActors.Native.Cuda;
using MoEActors.Native.Memory;

namespace MoEActors.Benchmarks.Devices;

/// <summary>Products of matrices on a GPU: compared with the processor's at small sizes, timed at those of real layers.</summary>
internal static class ProductCheck
{
    private const int Repetitions = 20;

    /// <summary>Sums of k products that are rounded in another order differ by about √k roundings.</summary>
    private const double Tolerance = 2e-6;

    /// <summary>Ten bits of mantissa.</summary>
    private const double Tf32Tolerance = 2e-3;

    /// <summary>Seven, and the one that is implied.</summary>
    private const double Bf16Tolerance = 1.6e-2;

    private static readonly (int M, int N, int K)[] Awkward = [(1, 1, 1), (3, 5, 7), (1, 64, 96), (130, 64, 33), (257, 129, 65), (64, 256, 512)];

    private static readonly (int M, int N, int K)[] Real = [(2048, 2048, 2048), (8192, 8192, 8192), (2048, 8192, 2048), (256, 2048, 2048)];

    public static void Run(GpuCheckContext context)
    {
        foreach (CudaPrecision precision in Enum.GetValues<CudaPrecision>())
        {
            using CudaDevice gpu = context.Open(precision);
            using var cpu = new CpuDevice(Environment.ProcessorCount);
            Compare(context, gpu, cpu, precision);
            foreach ((int m, int n, int k) in context.IsTiny ? [] : Real)
            {
                context.Measured($"{m}×{k}×{n}, {precision}", Rate(gpu, m, n, k), "TFLOP/s");
            }
        }
    }

    private static void Compare(GpuCheckContext context, CudaDevice gpu, CpuDevice cpu, CudaPrecision precision)
    {
        double worst = 0;
        foreach ((int m, int n, int k) in Awkward)
        {
            foreach (bool transposedA in new[] { false, true })
            {
                foreach (bool transposedB in new[] { false, true })
                {
                    foreach (Accumulation accumulation in Enum.GetValues<Accumulation>())
                    {
                        float[] expected = Product(cpu, m, n, k, transposedA, transposedB, accumulation);
                        float[] got = Product(gpu, m, n, k, transposedA, transposedB, accumulation);
                        worst = Math.Max(worst, expected.Zip(got, (x, y) => Math.Abs((double)x - y)).Max() / Math.Sqrt(k));
                    }
                }
            }
        }

        double allowed = precision switch
        {
            CudaPrecision.F32 => Tolerance,
            CudaPrecision.TF32 => Tf32Tolerance,
            _ => Bf16Tolerance,
        };
        context.Checked($"products, {precision}", worst <= allowed, $"differ from the processor's by {worst:0.0e0}·√k at most; {allowed:0.0e0} is allowed");
    }

    private static float[] Product(IDevice device, int m, int n, int k, bool transposedA, bool transposedB, Accumulation accumulation)
    {
        using var memory = new Arena(device);
        Matrix a = Operand(device, memory, m, k, transposedA, seed: 1), b = Operand(device, memory, k, n, transposedB, seed: 2), c = Normal(device, memory, m, n, seed: 3);
        device.MatMul(a, b, c, accumulation);
        float[] result = new float[m * n];
        device.Read(c.Data.Slice(0, result.Length), result);
        return result;
    }

    private static double Rate(CudaDevice gpu, int m, int n, int k)
    {
        using var memory = new Arena(gpu, blockBytes: sizeof(float) * ((long)m * n + (long)n * k + (long)m * k));
        var tape = new Tape(gpu, memory);
        Matrix a = Operand(gpu, memory, m, k, false, seed: 1), b = Operand(gpu, memory, k, n, false, seed: 2), c = tape.NewOperand(m, n);
        double[] seconds = new double[Repetitions];
        for (int i = -2; i < Repetitions; i++)
        {
            gpu.Synchronize();
            long started = Stopwatch.GetTimestamp();
            gpu.MatMul(a, b, c);
            gpu.Synchronize();
            seconds[Math.Max(i, 0)] = Stopwatch.GetElapsedTime(started).TotalSeconds;
        }

        return 2.0 * m * n * k / Samples.Median(seconds) / 1e12;
    }

    /// <summary>Random numbers as the device takes them for a product.</summary>
    private static Matrix Operand(IDevice device, Arena memory, int rows, int columns, bool transposed, ulong seed)
    {
        Matrix stored = new Tape(device, memory).Operand(transposed ? Normal(device, memory, columns, rows, seed) : Normal(device, memory, rows, columns, seed));
        return transposed ? stored.T : stored;
    }

    private static Matrix Normal(IDevice device, Arena memory, int rows, int columns, ulong seed)
    {
        var matrix = new Matrix(memory.Take<float>(rows * columns), rows, columns);
        device.Fill(matrix.Data, 0f);
        device.AddNormal(matrix, seed, 1f);
        return matrix;
    }
}
