using MoEActors.Native.Cuda;
using MoEActors.Native.Memory;
using MoEActors.Native.Operations;

namespace MoEActors.Native.DryRun;

/// <summary>What of a device decides how much memory a program takes there, beside the program.</summary>
/// <param name="Attention">What attention needs.</param>
/// <param name="Operands">What operands of products are.</param>
public sealed record ImitatedDevice(AttentionNeeds Attention, ElementType Operands)
{
    /// <summary>Processors, which store every score of attention: the most that any device needs of fp32.</summary>
    public static ImitatedDevice Cpu { get; } = new(AttentionMemory.OfScores, ElementType.F32);

    /// <summary>A device that is there.</summary>
    public static ImitatedDevice Of(IDevice device) => new(device.AttentionMemory, device.OperandType);

    /// <summary>Devices of a kind (<see cref="IDevice.Kind"/>); one that is not known is taken for processors.</summary>
    public static ImitatedDevice OfKind(string kind) =>
        Enum.GetValues<CudaPrecision>().Where(precision => CudaDevice.KindOf(precision) == kind)
            .Select(precision => new ImitatedDevice(CudaDevice.AttentionNeeds, precision == CudaPrecision.BF16 ? ElementType.BF16 : ElementType.F32))
            .FirstOrDefault(Cpu);
}
