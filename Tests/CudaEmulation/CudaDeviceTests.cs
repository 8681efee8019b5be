using MoEActors.Native.Cpu;
using MoEActors.Native.Cuda;
using MoEActors.Native.Cuda.Hardware;
using MoEActors.Native.Memory;

namespace MoEActors.Tests.CudaEmulation;

/// <summary>The product's CUDA device runs on the emulation, and the emulation's counts and orders work for it.</summary>
[Collection(CudaCollection.Name)]
public sealed class CudaDeviceTests
{
    private const int Rows = 37, Columns = 24;

    [Fact]
    public void A_device_leaves_nothing_behind()
    {
        using var watch = new CudaWatch();
        using var device = new CudaDevice(CudaGpu.Get(0));
        _ = Norms(device);
    }

    [Fact]
    public void What_is_left_behind_is_found()
    {
        var watch = new CudaWatch();
        using var device = new CudaDevice(CudaGpu.Get(0));
        Assert.ThrowsAny<Exception>(watch.Dispose);
    }

    [Fact]
    public void Results_have_the_same_bits_in_every_order_of_threads_and_blocks()
    {
        using var watch = new CudaWatch();
        using var device = new CudaDevice(CudaGpu.Get(0));
        float[] first = Norms(device);
        for (ulong seed = 2; seed < 6; seed++)
        {
            EmulatedCuda.Seed(seed);
            Assert.Equal(first, Norms(device));
        }

        using var processor = new CpuDevice();
        using DeviceBuffer x = processor.Allocate(Rows * Columns * sizeof(float)), y = processor.Allocate(Rows * Columns * sizeof(float));
        using DeviceBuffer weight = processor.Allocate(Columns * sizeof(float)), norms = processor.Allocate(Rows * sizeof(float));
        (float[] values, float[] weights) = Operands();
        processor.Write<float>(values, x.As<float>());
        processor.Write<float>(weights, weight.As<float>());
        processor.RmsNorm(new Matrix(x.As<float>(), Rows, Columns), weight.As<float>(), 1e-5f, new Matrix(y.As<float>(), Rows, Columns), norms.As<float>());
        float[] expected = new float[Rows * Columns];
        processor.Read(y.As<float>(), expected);
        Assert.All(expected.Zip(first), pair => Assert.Equal(pair.First, pair.Second, 1e-5));
    }

    private static (float[] Values, float[] Weights) Operands()
    {
        var random = new Random(3);
        return ([.. Enumerable.Range(0, Rows * Columns).Select(_ => random.NextSingle() - 0.5f)], [.. Enumerable.Range(0, Columns).Select(_ => random.NextSingle())]);
    }

    /// <summary>Rows divided by their root mean square, on the emulated device.</summary>
    private static float[] Norms(CudaDevice device)
    {
        using DeviceBuffer x = device.Allocate(Rows * Columns * sizeof(float)), y = device.Allocate(Rows * Columns * sizeof(float));
        using DeviceBuffer weight = device.Allocate(Columns * sizeof(float)), norms = device.Allocate(Rows * sizeof(float));
        (float[] values, float[] weights) = Operands();
        device.Write<float>(values, x.As<float>());
        device.Write<float>(weights, weight.As<float>());
        device.RmsNorm(new Matrix(x.As<float>(), Rows, Columns), weight.As<float>(), 1e-5f, new Matrix(y.As<float>(), Rows, Columns), norms.As<float>());
        float[] result = new float[Rows * Columns];
        device.Read(y.As<float>(), result);
        return result;
    }
}
