using MoEActors.Native.Cpu;
using MoEActors.Native.Cuda;

namespace MoEActors.Benchmarks.Devices;

/// <summary>Every case of <see cref="DeviceComparison"/>, on the GPU and on the processor.</summary>
internal static class OperationCheck
{
    public static void Run(GpuCheckContext context)
    {
        using CudaDevice gpu = context.Open();
        using var cpu = new CpuDevice();
        List<DeviceDifference> passed = [];
        foreach (DeviceCase one in DeviceComparison.Cases)
        {
            DeviceDifference difference = DeviceComparison.Compare(one, cpu, gpu);
            if (difference.Passed)
            {
                passed.Add(difference);
            }
            else
            {
                context.Failed(one.Name, $"{difference.Where}; differs by {difference.Largest:0.0e0}, {difference.Allowed:0.0e0} is allowed");
            }
        }

        context.Checked(
            "cases of operations", passed.Count == DeviceComparison.Cases.Count,
            $"{passed.Count} of {DeviceComparison.Cases.Count} agree with the processor, by {passed.Select(one => one.Largest).DefaultIfEmpty().Max():0.0e0} or better");
    }
}
