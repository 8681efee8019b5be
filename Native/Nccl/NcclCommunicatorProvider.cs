using System.Net;
using MoEActors.Native.Communication;
using MoEActors.Native.Communication.Collectives;
using MoEActors.Native.Communication.InProcess;
using MoEActors.Native.Communication.Tcp;
using MoEActors.Native.Cuda;
using MoEActors.Native.Nccl.Bindings;

namespace MoEActors.Native.Nccl;

/// <summary>
/// Communicators among processes, by whatever carries the rows best: NCCL between GPUs of several processes, copies of the driver between those of one, TCP
/// for memory of the processor. The members of a communicator come to the same choice.
/// </summary>
/// <param name="control">What everything else goes over: how GPUs find each other, agree on calls and learn of failures. Its owner disposes of it.</param>
public sealed class NcclCommunicatorProvider(TcpCommunicatorProvider control) : ICommunicatorProvider
{
    private readonly InProcessCommunicatorProvider _here = new();

    /// <inheritdoc />
    public EndPoint EndPoint => control.EndPoint;

    /// <summary>What everything but rows of GPUs goes over.</summary>
    public TcpCommunicatorProvider Control => control;

    /// <inheritdoc />
    /// <exception cref="NotSupportedException">The rank is on a GPU of another make, or NCCL cannot be used here; the message says what to do.</exception>
    public ICommunicator Open(CommunicatorSpec spec)
    {
        ArgumentNullException.ThrowIfNull(spec);
        if (spec.Device is null or { IsHostMemory: true })
        {
            return control.Open(spec);
        }

        if (spec.RanksByHost.Length == 1)
        {
            return _here.Open(spec);
        }

        if (spec.Device is not CudaDevice device)
        {
            throw new NotSupportedException($"Rows of {spec.Device.Description} cannot be sent to other processes.");
        }

        if (NcclInstallation.Library.Problem is { } problem)
        {
            throw new NotSupportedException($"Silos with GPUs need NCCL to train together, and rank {spec.Rank} on host '{spec.Members[spec.Rank].Host}' cannot use it: {problem}");
        }

        var opened = (TcpCommunicator)control.Open(spec with { Device = null });
        try
        {
            return new NcclCommunicator(spec, device, opened);
        }
        catch (Exception e)
        {
            // The others are told why, and do not wait for this rank.
            opened.Fail(Failure.Aborted(spec.Rank, e));
            opened.Dispose();
            throw;
        }
    }
}
