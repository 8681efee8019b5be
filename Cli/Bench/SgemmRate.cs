using System.Diagnostics;
using MoEActors.Modules.Parameters;
using MoEActors.Native.Cpu;
using MoEActors.Native.Memory;

namespace MoEActors.Cli.Bench;

/// <summary>The speed of our own fp32 product of 2048³ on a number of threads: what a layer's speed is a share of.</summary>
internal sealed class SgemmRate : IDisposable
{
    private const int Size = 2048;

    private readonly CpuDevice _device;
    private readonly DeviceBuffer _memory;
    private readonly Matrix _a;
    private readonly Matrix _b;
    private readonly Matrix _c;

    public SgemmRate(int threads)
    {
        _device = new CpuDevice(threads);
        _memory = _device.Allocate(3L * sizeof(float) * Size * Size);
        DeviceSpan<float> all = _memory.As<float>();
        InitialValue.Normal(1f).Fill(_device, 1, "sgemm", all.Slice(0, 2 * Size * Size));
        _a = new Matrix(all.Slice(0, Size * Size), Size, Size);
        _b = new Matrix(all.Slice(Size * Size, Size * Size), Size, Size);
        _c = new Matrix(all.Slice(2 * Size * Size, Size * Size), Size, Size);
    }

    /// <summary>One product, in 10⁹ operations per second.</summary>
    public double Measure()
    {
        long started = Stopwatch.GetTimestamp();
        _device.MatMul(_a, _b, _c);
        return 2.0 * Size * Size * Size / Stopwatch.GetElapsedTime(started).TotalSeconds / 1e9;
    }

    public void Dispose()
    {
        _memory.Dispose();
        _device.Dispose();
    }
}
