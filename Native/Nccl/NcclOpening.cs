using System.Runtime.InteropServices;
using MoEActors.Native.Communication;
using MoEActors.Native.Communication.Collectives;
using MoEActors.Native.Communication.Tcp;
using MoEActors.Native.Cuda;
using MoEActors.Native.Memory;
using MoEActors.Native.Nccl.Bindings;

namespace MoEActors.Native.Nccl;

/// <summary>How the ranks of a communicator come together before NCCL knows of them: over TCP, where each of them is known to be let in and a missing one is named.</summary>
internal static class NcclOpening
{
    /// <summary>Brings a rank together with the others. When it returns, every rank has called NCCL with the id that rank 0 has made.</summary>
    /// <exception cref="CommunicatorException">A rank is missing, or the ranks cannot work together.</exception>
    public static void Open(CommunicatorSpec spec, CudaDevice device, TcpCommunicator control, NcclConnection connection)
    {
        using var memory = new NativeScratch();
        DeviceSpan<Installation> installations = memory.Take<Installation>(spec.Size);
        installations.AsSpan()[spec.Rank] = new Installation(NcclInstallation.Version, device.Gpu.Uuid);
        control.AllGather(installations.Slice(spec.Rank, 1), installations);
        if (Unfit(spec, installations.AsSpan()) is { } reason)
        {
            throw Refused(reason);
        }

        DeviceSpan<NcclUniqueId> id = memory.Take<NcclUniqueId>(1);
        if (spec.Rank == 0 && NcclFunctions.GetUniqueId(out id.AsSpan()[0]) is var result and not NcclResult.Success)
        {
            throw Refused($"NCCL gives rank 0 no id by which the others find it: {NcclInstallation.InWords(result, 0)}. NCCL_SOCKET_IFNAME names the network interface to use.");
        }

        control.Broadcast(id, 0);
        connection.Join(id.AsSpan()[0]);

        // Nobody waits in NCCL for a rank that has not come there: it is named here.
        DeviceSpan<byte> come = memory.Take<byte>(spec.Size);
        control.AllGather(come.Slice(spec.Rank, 1), come);

        CommunicatorException Refused(string why) =>
            control.Fail(new Failure(why, [], null)).ToException(CollectiveOperation.None, spec.Rank, spec.Size);
    }

    private static string? Unfit(CommunicatorSpec spec, ReadOnlySpan<Installation> installations)
    {
        for (int rank = 1; rank < installations.Length; rank++)
        {
            if (installations[rank].Version != installations[0].Version)
            {
                return $"{InWords(spec, 0)} has NCCL {NcclInstallation.InWords(installations[0].Version)} and {InWords(spec, rank)} has "
                    + $"{NcclInstallation.InWords(installations[rank].Version)}. Install the same version for every silo.";
            }

            int other = installations[..rank].IndexOf(installations[rank]);
            if (other >= 0)
            {
                return $"{InWords(spec, other)} and {InWords(spec, rank)} have the same GPU ({installations[rank].Gpu}), and NCCL wants one for each. "
                    + "Give every silo GPUs of its own, or let one silo have all its workers.";
            }
        }

        return null;
    }

    private static string InWords(CommunicatorSpec spec, int rank) => $"rank {rank} on host '{spec.Members[rank].Host}'";

    /// <summary>What a rank brings.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private readonly record struct Installation(int Version, Guid Gpu);
}
