using MoEActors.Modules.Parameters;
using MoEActors.Native;

namespace MoEActors.Grains.Memory;

/// <summary>
/// Allocates and frees the expert shards of all models on one device, and knows what it comes to. Shards come and go on the courier's thread at any
/// time; whatever else a device holds is allocated and freed by the executor alone. Told apart, both can be counted.
/// </summary>
internal sealed class ShardMemory(IDevice device)
{
    private readonly Lock _gate = new();
    private long _bytes;

    /// <summary>Bytes allocated on the device for anything but shards.</summary>
    public long OtherBytes
    {
        get
        {
            lock (_gate)
            {
                return device.AllocatedBytes - _bytes;
            }
        }
    }

    /// <summary>Makes room for a shard. From any thread.</summary>
    /// <param name="prefix">What makes its tensor names unique in the model.</param>
    /// <param name="layout">Its tensors.</param>
    /// <param name="clear">False where a copy of all of it follows.</param>
    /// <exception cref="OutOfMemoryException">The device has not that much memory left.</exception>
    public ParameterBlock Allocate(string prefix, IReadOnlyList<ParameterShape> layout, bool clear)
    {
        lock (_gate)
        {
            var block = new ParameterBlock(device, prefix, layout, clear);
            _bytes += block.Bytes;
            return block;
        }
    }

    /// <summary>Frees a shard. From any thread.</summary>
    public void Free(ParameterBlock block)
    {
        lock (_gate)
        {
            block.Dispose();
            _bytes -= block.Bytes;
        }
    }
}
