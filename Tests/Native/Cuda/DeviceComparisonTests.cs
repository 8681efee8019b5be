using MoEActors.Benchmarks.Devices;
using MoEActors.Native.Cpu;
using MoEActors.Native.Cuda;
using MoEActors.Native.Cuda.Hardware;
using MoEActors.Tests.CudaEmulation;

namespace MoEActors.Tests.Native.Cuda;

/// <summary>
/// Every operation of a GPU gives what the CPU gives, and the same bits in whatever order blocks and threads run. The kernels are the real ones; what they
/// run on is emulated.
/// </summary>
[Collection(CudaCollection.Name)]
public class DeviceComparisonTests
{
    private static readonly Dictionary<string, DeviceCase> Named = DeviceComparison.Cases.ToDictionary(one => one.Name);

    public static TheoryData<string> Cases => [.. Named.Keys];

    public static TheoryData<string> CasesOfOperands => [.. Named.Values.Where(one => one.HasOperands).Select(one => one.Name)];

    [Theory]
    [MemberData(nameof(Cases))]
    public void A_gpu_computes_what_the_processor_computes(string name) => Compare(name, CudaPrecision.F32);

    [Theory]
    [MemberData(nameof(CasesOfOperands))]
    public void A_gpu_computes_with_rounded_operands_what_the_processor_computes_with_the_same(string name) => Compare(name, CudaPrecision.BF16);

    private static void Compare(string name, CudaPrecision precision)
    {
        EmulatedCuda.Require();
        EmulatedCuda.ClearLog();
        using var cpu = new CpuDevice();
        using var gpu = new CudaDevice(CudaGpu.Get(0), precision);
        DeviceDifference difference = DeviceComparison.Compare(Named[name], cpu, gpu);
        Assert.True(difference.Passed, $"{difference.Where} (by {difference.Largest:G3}, {difference.Allowed:G3} allowed)");
        DeviceDifference again = DeviceComparison.Compare(Named[name] with { Tolerance = 0 }, gpu, gpu);
        Assert.True(again.Passed, $"With blocks and threads in another order: {again.Where}");
        Assert.Equal("", EmulatedCuda.Log);
    }

    [Fact]
    public void A_difference_is_found_in_numbers_in_bits_and_in_what_surrounds_an_operand()
    {
        using CpuDevice reference = new(), other = new();
        bool Differs(double tolerance, Action<CaseOperands> run) =>
            !DeviceComparison.Compare(new DeviceCase("case", tolerance, run), reference, other).Passed;
        bool IsOther(CaseOperands o) => ReferenceEquals(o.Device, other);

        Assert.False(Differs(1e-5, o => o.Floats([IsOther(o) ? 100.0005f : 100f])));
        Assert.True(Differs(1e-5, o => o.Floats([IsOther(o) ? 100.01f : 100f])));
        Assert.True(Differs(1e-5, o => o.Floats([IsOther(o) ? float.NaN : 100f])));
        Assert.True(Differs(1e-5, o => o.Floats([IsOther(o) ? 100f : float.NaN])));
        Assert.True(Differs(1e-5, o => o.Floats([IsOther(o) ? float.PositiveInfinity : float.NegativeInfinity])));
        Assert.True(Differs(1e-5, o => o.Floats([IsOther(o) ? 0f : float.PositiveInfinity])));
        Assert.True(Differs(0, o => o.Floats([IsOther(o) ? MathF.BitIncrement(1f) : 1f])));
        Assert.True(Differs(1, o => o.Integers(IsOther(o) ? 3 : 4)));
        Assert.True(Differs(1e-5, o => _ = o.Matrix(2, 3, IsOther(o) ? 1 : 0, (_, _) => 1f)));
        Assert.True(Differs(1e-5, o =>
        {
            MoEActors.Native.Memory.DeviceSpan<float> x = o.Vector(4);
            o.Device.Fill(new(x.Address, IsOther(o) ? 5 : 4), 0f);
        }));
    }
}
