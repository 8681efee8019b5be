namespace MoEActors.Workers.Shards;

/// <summary>
/// Allocates and frees the expert shards of one model on one device, and counts them. Shards come and go on the thread that copies them at any time;
/// whatever else the model holds is allocated and freed by its executor alone. Told apart, both can be counted.
/// </summary>
internal sealed class ShardMemory(IDevice device)
{
    private readonly Lock _lock = new();
    private long _bytes;

    /// <summary>Bytes allocated on the device for anything but shards.</summary>
    public long OtherBytes
    {
        get
        {
            lock (_lock)
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
        lock (_lock)
        {
            var block = new ParameterBlock(device, prefix, layout, clear);
            _bytes += block.Bytes;
            return block;
        }
    }

    /// <summary>Frees a shard. From any thread.</summary>
    public void Free(ParameterBlock block)
    {
        lock (_lock)
        {
            block.Dispose();
            _bytes -= block.Bytes;
        }
    }
}
