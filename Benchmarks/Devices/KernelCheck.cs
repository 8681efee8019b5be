using System.Diagnostics;
using MoEActors.Native.Cuda;

namespace MoEActors.Benchmarks.Devices;

/// <summary>Kernels compile for a GPU, and what the compiler made of them.</summary>
internal static class KernelCheck
{
    public static void Run(GpuCheckContext context)
    {
        using CudaDevice gpu = context.Open();
        long started = Stopwatch.GetTimestamp();
        gpu.LoadKernels();
        context.Measured("compiling and loading all kernels, or loading them from the disk", Stopwatch.GetElapsedTime(started).TotalSeconds, "s");
        foreach (KernelFacts kernel in gpu.Kernels())
        {
            context.Checked(
                $"{kernel.Family}.cu {kernel.Function}", passed: true,
                $"{kernel.Registers} registers, {kernel.SharedBytes} bytes of shared memory, {kernel.LocalBytes} bytes of local memory");
        }
    }
}
