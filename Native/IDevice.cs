using MoEActors.Native.Memory;
using MoEActors.Native.Operations;

namespace MoEActors.Native;

/// <summary>
/// A device that computes: memory and the operations a mixture-of-experts model needs. Operations are queued in order and
/// take their operands by reference: the caller must not touch them until an operation that returns a value, or
/// <see cref="Synchronize"/>, has returned. A device belongs to one executor thread at a time.
/// <para>
/// Every operation keeps the kernel contract (docs/kernel-contract.md): the bits of an output row depend neither on the
/// number of rows nor on its position or address; a sum over tokens is taken from zero in token order and then added; a
/// product's element is one chain of fused multiply-adds in ascending k; threads split outputs, never sums.
/// </para>
/// </summary>
public interface IDevice
    : IDeviceMemory, IMatrixOperations, ILayerOperations, IAttentionOperations, IRoutingOperations, IGateOperations, ISlotOperations, IBalanceOperations,
        IRandomOperations, IOptimizerOperations, IDisposable
{
    /// <summary>What this device is, in words: kind, instruction set, threads.</summary>
    string Description { get; }

    /// <summary>Whether operations have effects. A device that only counts memory skips them, and its memory has no content.</summary>
    bool Computes => true;

    /// <summary>What devices must have in common to train one model together, such as <c>cpu</c>: results of different kinds differ in their last bits.</summary>
    string Kind => "cpu";

    /// <summary>
    /// What operands of products are: activations that products and the operations around them read, and the weights of these products. Sums, residual
    /// streams, gradients of weights, routers and norms are fp32 on every device.
    /// </summary>
    ElementType OperandType => ElementType.F32;

    /// <summary>Bytes of a memory of its own that nobody uses at this moment; null for a device that computes in the memory of the process.</summary>
    long? FreeBytes => null;

    /// <summary>Whether the host can address the device's memory, so that transports of the host can carry it.</summary>
    bool IsHostMemory => true;

    /// <summary>Processor time that threads of the device's own, beside the caller's, have spent computing; zero where there are none.</summary>
    TimeSpan HelperTime { get; }

    /// <summary>
    /// Opens a second context on the same hardware, for work that must not wait for this one's: threads or streams, scratch and a count of allocated
    /// bytes of its own. Whoever opens it disposes of it, before this device.
    /// </summary>
    IDevice OpenContext();

    /// <summary>Copies host memory to the device.</summary>
    void Write<T>(ReadOnlySpan<T> source, DeviceSpan<T> destination)
        where T : unmanaged;

    /// <summary>Copies device memory to the host, after all queued operations.</summary>
    void Read<T>(DeviceSpan<T> source, Span<T> destination)
        where T : unmanaged;

    /// <summary>Copies between two spans of this device that do not overlap.</summary>
    void Copy<T>(DeviceSpan<T> source, DeviceSpan<T> destination)
        where T : unmanaged;

    /// <summary>
    /// Copies from the memory of another device of this kind in this process, which may be another GPU's; what is copied must be there already.
    /// </summary>
    /// <param name="owner">Whose memory the source is.</param>
    /// <param name="source">What is copied.</param>
    /// <param name="destination">Memory of this device.</param>
    void CopyFrom<T>(IDevice owner, DeviceSpan<T> source, DeviceSpan<T> destination)
        where T : unmanaged => Copy(source, destination);

    /// <summary><c>sum += part</c>, element by element, with a part as in <see cref="CopyFrom"/>.</summary>
    void AddFrom(IDevice owner, DeviceSpan<float> part, DeviceSpan<float> sum) => Add(part, sum);

    /// <summary>A mark in this device's order, for which other devices of the process can wait without their hosts; null where the host's order is the device's.</summary>
    IDeviceSignal? NewSignal() => null;

    /// <summary>Waits until everything queued has been done.</summary>
    void Synchronize();
}

/// <summary>A mark in the order of a device's work.</summary>
public interface IDeviceSignal : IDisposable
{
    /// <summary>Sets the mark behind everything that its device has queued.</summary>
    void Set();

    /// <summary>Lets what another device queues later wait until everything before the mark has been done.</summary>
    /// <param name="waiting">The device that waits.</param>
    void AwaitOn(IDevice waiting);
}
