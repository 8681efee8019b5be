using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using MoEActors.Native.Communication;
using MoEActors.Native.Communication.InProcess;
using MoEActors.Native.Communication.Tcp;
using MoEActors.Native.Cuda;
using MoEActors.Native.Memory;
using MoEActors.Native.Nccl;
using MoEActors.Tests.CudaEmulation;
using MoEActors.Tests.NcclEmulation;
using MoEActors.Tests.Support;

namespace MoEActors.Tests.Native.Communication;

/// <summary>How the ranks of a test reach each other.</summary>
public enum Transport
{
    InProcess,
    Tcp,
    Nccl,
}

/// <summary>The ranks of one communicator, over a transport, disposed together.</summary>
internal sealed class CommunicatorGroup : IDisposable
{
    private readonly IDisposable[] _under;

    private CommunicatorGroup(ICommunicator[] ranks, params IDisposable[] under)
    {
        Ranks = ranks;
        _under = under;
    }

    public ICommunicator[] Ranks { get; }

    public static CommunicatorGroup Open(Transport transport, int size, TimeSpan? deadline = null, TimeProvider? time = null)
    {
        if (transport == Transport.InProcess)
        {
            var group = new InProcessCommunicatorGroup(size, deadline, time);
            return new CommunicatorGroup([.. Enumerable.Range(0, size).Select(rank => group.Open(rank))], group);
        }

        if (transport == Transport.Nccl)
        {
            EmulatedCuda.Require();
        }

        // Some hosts have one rank, some two, as in a cluster of unequal machines.
        int HostOf(int rank) => rank * 2 / 3;
        TcpCommunicatorProvider[] hosts = [.. Enumerable.Range(0, HostOf(size - 1) + 1).Select(_ => new TcpCommunicatorProvider(time: time))];
        CommunicatorMember[] members =
            [.. Enumerable.Range(0, size).Select(rank => new CommunicatorMember(rank, $"host-{HostOf(rank)}", rank, hosts[HostOf(rank)].EndPoint))];
        ICommunicator[] ranks =
        [
            .. Enumerable.Range(0, size).Select(rank => transport == Transport.Tcp
                ? hosts[HostOf(rank)].Open(Spec(members, rank, deadline))
                : OpenOnGpu(hosts[HostOf(rank)], Spec(members, rank, deadline))),
        ];
        if (deadline is not null || time is not null)
        {
            // What these tests are about begins when all are connected.
            Array.ForEach(ranks, WaitUntilConnected);
        }

        return new CommunicatorGroup(ranks, hosts);
    }

    /// <summary>Waits until a rank has all its connections.</summary>
    public static void WaitUntilConnected(ICommunicator rank) =>
        Assert.True(
            SpinWait.SpinUntil(() => rank is DeviceRank onGpu ? onGpu.IsConnected : ((TcpCommunicator)rank).IsConnected, Deadline.Patience),
            $"Rank {rank.Rank} of {rank.Size} has not connected within {Deadline.Patience.TotalSeconds:0} s.");

    /// <summary>A rank by NCCL, even where it is the only one or all are of one host.</summary>
    private static DeviceRank OpenOnGpu(TcpCommunicatorProvider host, CommunicatorSpec spec)
    {
        var device = new CudaDevice(EmulatedNccl.UndisturbedGpuOf(spec.Rank));
        return new DeviceRank(new NcclCommunicator(spec, device, (TcpCommunicator)host.Open(spec)), device);
    }

    public static CommunicatorSpec Spec(IEnumerable<CommunicatorMember> members, int rank, TimeSpan? deadline = null) => new(members, rank)
    {
        Purpose = CommunicatorPurpose.StepProgram,
        Model = "model",
        Term = 1,
        View = 1,
        ProgressDeadline = deadline ?? CommunicatorSpec.DefaultProgressDeadline,
    };

    public void Dispose()
    {
        Array.ForEach(Ranks, rank => rank.Dispose());
        Array.ForEach([.. Ranks.OfType<DeviceRank>()], rank => rank.Close());
        Array.ForEach(_under, one => one.Dispose());
    }
}

/// <summary>Runs the ranks of a group on threads of their own and waits for all of them, with a deadline that explains itself.</summary>
internal static class RankThreads
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    /// <summary>Runs <paramref name="body"/> on every rank; returns what each ended with, null where nothing was thrown.</summary>
    public static Exception?[] Run(IReadOnlyList<ICommunicator> ranks, Action<ICommunicator> body)
    {
        var failures = new Exception?[ranks.Count];
        Thread[] threads = [.. ranks.Select((communicator, i) => Start(communicator, body, failure => failures[i] = failure))];
        for (int i = 0; i < threads.Length; i++)
        {
            Assert.True(threads[i].Join(Patience), $"Rank {ranks[i].Rank} of {ranks.Count} still hangs after {Patience.TotalSeconds} s.");
        }

        return failures;
    }

    /// <summary>Runs <paramref name="body"/> on every rank of a new group and expects no failure.</summary>
    public static void RunAll(Transport transport, int size, Action<ICommunicator> body)
    {
        using CommunicatorGroup group = CommunicatorGroup.Open(transport, size);
        Assert.All(Run(group.Ranks, body), failure => Assert.Null(failure));
    }

    private static Thread Start(ICommunicator communicator, Action<ICommunicator> body, Action<Exception> failed)
    {
        Thread thread = new(() =>
        {
            try
            {
                body(communicator);
            }
            catch (Exception e)
            {
                failed(e);
            }
        })
        {
            IsBackground = true,
            Name = $"rank {communicator.Rank}",
        };
        thread.Start();
        return thread;
    }
}

/// <summary>Host memory that stays where it is, so that a test can hold it as an array and a rank as a span.</summary>
internal sealed unsafe class PinnedMemory<T>
    where T : unmanaged
{
    /// <summary>A span is an address and keeps nothing: memory that only a collective works on would be collected under it.</summary>
    [ThreadStatic]
    private static List<T[]>? Alive;

    public PinnedMemory(int length, Func<int, T>? value = null)
    {
        Elements = GC.AllocateArray<T>(length, pinned: true);
        (Alive ??= []).Add(Elements);
        for (int i = 0; i < length; i++)
        {
            Elements[i] = value is null ? default : value(i);
        }
    }

    public T[] Elements { get; }

    public DeviceSpan<T> Span => new((nint)Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(Elements)), Elements.Length);
}
