using System.Diagnostics;
using MoEActors.Native;
using MoEActors.Native.Memory;

namespace MoEActors.Benchmarks;

/// <summary>
/// The rate of a device at a product of 2048³, the yardstick of other benchmarks. Operands are allocated once;
/// <see cref="Measure"/> allocates nothing, so that samples can be taken between those of whatever is compared.
/// </summary>
public sealed class SgemmRate : IDisposable
{
    /// <summary>Rows, columns and depth of the product.</summary>
    public const int Size = 2048;

    private readonly IDevice _device;
    private readonly DeviceBuffer _memory;
    private readonly Matrix _a;
    private readonly Matrix _b;
    private readonly Matrix _c;

    /// <summary>Prepares the operands on <paramref name="device"/> and warms the product up.</summary>
    public SgemmRate(IDevice device)
    {
        _device = device;
        _memory = device.Allocate(3L * Size * Size * sizeof(float));
        DeviceSpan<float> all = _memory.As<float>();
        device.Fill(all, 0.5f);
        _a = new Matrix(all.Slice(0, Size * Size), Size, Size);
        _b = new Matrix(all.Slice(Size * Size, Size * Size), Size, Size);
        _c = new Matrix(all.Slice(2 * Size * Size), Size, Size);
        Measure();
    }

    /// <summary>Computes the product once and returns the rate in 10⁹ operations per second.</summary>
    public double Measure()
    {
        long start = Stopwatch.GetTimestamp();
        _device.MatMul(_a, _b, _c);
        _device.Synchronize();
        return 2.0 * Size * Size * Size / Stopwatch.GetElapsedTime(start).TotalSeconds / 1e9;
    }

    /// <inheritdoc />
    public void Dispose() => _memory.Dispose();
}
