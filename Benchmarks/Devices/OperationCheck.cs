using MoEActors.Native.Cpu;
using MoEActors.Native.Cuda;

namespace MoEActors.Benchmarks.Devices;

/// <summary>Every case of <see cref="DeviceComparison"/>, on the GPU and on the processor.</summary>
internal static class OperationCheck
{
    public static void Run(GpuCheckContext context)
    {
        Compare(context, CudaPrecision.F32, DeviceComparison.Cases);
        Compare(context, CudaPrecision.BF16, [.. DeviceComparison.Cases.Where(one => one.HasOperands)]);
    }

    private static void Compare(GpuCheckContext context, CudaPrecision precision, IReadOnlyList<DeviceCase> cases)
    {
        using CudaDevice gpu = context.Open(precision);
        using var cpu = new CpuDevice();
        List<DeviceDifference> passed = [];
        foreach (DeviceCase one in cases)
        {
            DeviceDifference difference = DeviceComparison.Compare(one, cpu, gpu);
            if (difference.Passed)
            {
                passed.Add(difference);
            }
            else
            {
                context.Failed($"{one.Name}, {precision}", $"{difference.Where}; differs by {difference.Largest:0.0e0}, {difference.Allowed:0.0e0} is allowed");
            }
        }

        context.Checked(
            $"cases of operations, {precision}", passed.Count == cases.Count,
            $"{passed.Count} of {cases.Count} agree with the processor, by {passed.Select(one => one.Largest).DefaultIfEmpty().Max():0.0e0} or better");
    }
}
