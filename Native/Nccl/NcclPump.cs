using MoEActors.Native.Cuda.Hardware;

namespace MoEActors.Native.Nccl;

/// <summary>
/// The thread that asks NCCL for everything that concerns one GPU: NCCL is not safe for several. No call of it waits for other ranks, so one communicator never
/// holds up another; those that wait for something are looked at again and again. Only the last call of a communicator, which may wait for the device, has a
/// thread of its own.
/// </summary>
internal sealed class NcclPump
{
    private static readonly Lock Making = new();
    private static readonly Dictionary<int, NcclPump> Pumps = [];

    private readonly object _lock = new();
    private readonly List<NcclConnection> _connections = [];
    private readonly CudaGpu _gpu;
    private bool _woken;

    private NcclPump(CudaGpu gpu)
    {
        _gpu = gpu;
        new Thread(Run) { IsBackground = true, Name = $"nccl cuda:{gpu.Ordinal}" }.Start();
    }

    /// <summary>The GPU's pump; it stays with the process.</summary>
    public static NcclPump Of(CudaGpu gpu)
    {
        lock (Making)
        {
            return Pumps.TryGetValue(gpu.Ordinal, out NcclPump? pump) ? pump : Pumps[gpu.Ordinal] = new NcclPump(gpu);
        }
    }

    /// <summary>Has a connection looked at from now on.</summary>
    public void Add(NcclConnection connection)
    {
        lock (_lock)
        {
            _connections.Add(connection);
        }
    }

    /// <summary>A connection has ended.</summary>
    public void Remove(NcclConnection connection)
    {
        lock (_lock)
        {
            _connections.Remove(connection);
        }
    }

    /// <summary>Something is to be done. From any thread.</summary>
    public void Wake()
    {
        lock (_lock)
        {
            _woken = true;
            Monitor.Pulse(_lock);
        }
    }

    private void Run()
    {
        List<NcclConnection> connections = [];
        int wait = Timeout.Infinite;
        while (true)
        {
            lock (_lock)
            {
                if (!_woken)
                {
                    Monitor.Wait(_lock, wait);
                }

                _woken = false;
                connections.Clear();
                connections.AddRange(_connections);
            }

            wait = Timeout.Infinite;
            foreach (NcclConnection connection in connections)
            {
                // Without sign, never is the longest of all waits.
                wait = (int)Math.Min((uint)wait, (uint)connection.Advance(_gpu));
            }
        }
    }
}
