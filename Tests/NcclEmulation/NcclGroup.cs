using MoEActors.Native.Communication;
using MoEActors.Native.Communication.Tcp;
using MoEActors.Native.Cuda;
using MoEActors.Native.Memory;
using MoEActors.Native.Nccl;
using MoEActors.Tests.Native.Communication;

namespace MoEActors.Tests.NcclEmulation;

/// <summary>Ranks on GPUs, each of a host of its own, whose memory tests address on the devices themselves.</summary>
internal sealed class NcclGroup : IDisposable
{
    private readonly TcpCommunicatorProvider[] _hosts;
    private readonly List<DeviceBuffer> _buffers = [];

    /// <summary>Opens the ranks.</summary>
    /// <param name="size">Number of ranks.</param>
    /// <param name="deadline">How long they wait for each other.</param>
    /// <param name="gpuOf">The rank of whose GPU each is; its own unless given.</param>
    public NcclGroup(int size, TimeSpan? deadline = null, Func<int, int>? gpuOf = null)
    {
        Devices = [.. Enumerable.Range(0, size).Select(rank => new CudaDevice(EmulatedNccl.GpuOf(gpuOf?.Invoke(rank) ?? rank)))];
        _hosts = [.. Devices.Select(_ => new TcpCommunicatorProvider())];
        CommunicatorMember[] members = [.. Enumerable.Range(0, size).Select(rank => new CommunicatorMember(rank, $"host-{rank}", 0, _hosts[rank].EndPoint))];
        Specs = [.. Enumerable.Range(0, size).Select(rank => CommunicatorGroup.Spec(members, rank, deadline) with { Device = Devices[rank] })];
        Ranks = [.. Specs.Select(Open)];
    }

    public CudaDevice[] Devices { get; }

    public CommunicatorSpec[] Specs { get; }

    public ICommunicator[] Ranks { get; }

    /// <summary>Opens a rank of another communicator of the same ranks.</summary>
    public ICommunicator Open(CommunicatorSpec spec) => new NcclCommunicatorProvider(_hosts[spec.Rank]).Open(spec);

    /// <summary>Memory of a rank's device.</summary>
    public DeviceSpan<float> Memory(int rank, int elements, Func<int, float>? value = null)
    {
        DeviceBuffer buffer = Devices[rank].Allocate(Math.Max(1, elements) * sizeof(float));
        lock (_buffers)
        {
            _buffers.Add(buffer);
        }

        DeviceSpan<float> span = buffer.As<float>().Slice(0, elements);
        Devices[rank].Write<float>([.. Enumerable.Range(0, elements).Select(i => value?.Invoke(i) ?? 0)], span);
        return span;
    }

    /// <summary>What is in a rank's memory when everything queued has been done.</summary>
    public float[] Read(int rank, DeviceSpan<float> span)
    {
        float[] values = new float[span.Length];
        Devices[rank].Read(span, values);
        return values;
    }

    /// <summary>Gathers a number of each rank and reads them: what there is to fail does so here.</summary>
    public float[] Gather(ICommunicator rank, float mine)
    {
        DeviceSpan<float> all = Memory(rank.Rank, rank.Size);
        rank.AllGather(Memory(rank.Rank, 1, _ => mine), all);
        return Read(rank.Rank, all);
    }

    public void Dispose()
    {
        Array.ForEach(Ranks, rank => rank.Dispose());
        _buffers.ForEach(buffer => buffer.Dispose());
        Array.ForEach(Devices, device => device.Dispose());
        Array.ForEach(_hosts, host => host.Dispose());
    }
}
