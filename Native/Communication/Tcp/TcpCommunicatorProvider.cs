using System.Net;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace MoEActors.Native.Communication.Tcp;

/// <summary>
/// Communicators among processes, over TCP. One of these in a process listens for the connections of all communicators of that process; dispose it with the
/// process's part in the cluster.
/// </summary>
public sealed class TcpCommunicatorProvider : ICommunicatorProvider, IDisposable
{
    private readonly TcpOptions _options;
    private readonly TimeProvider _time;
    private readonly IoThread _io;
    private readonly DataServer _server;

    /// <summary>Listens for connections.</summary>
    /// <param name="options">Where to listen, and the cluster's secret; loopback without one unless given.</param>
    /// <param name="time">The clock of progress deadlines; the system's unless given.</param>
    /// <param name="log">Where refused and lost connections are told of; nowhere unless given.</param>
    /// <exception cref="InvalidOperationException">The options cannot work, or the port is taken; the message says what to do.</exception>
    public TcpCommunicatorProvider(TcpOptions? options = null, TimeProvider? time = null, ILogger? log = null)
    {
        _options = options ?? new TcpOptions();
        _options.Validate();
        _time = time ?? TimeProvider.System;
        _io = new IoThread();
        try
        {
            _server = new DataServer(_options, _io, new DataPlaneLog(log ?? NullLogger.Instance, TimeProvider.System));
        }
        catch
        {
            _io.Dispose();
            throw;
        }
    }

    /// <inheritdoc />
    public EndPoint EndPoint => _server.EndPoint;

    /// <summary>What has come over this process's connections, and what was refused.</summary>
    public TcpCounters Counters => _server.Counters;

    /// <summary>
    /// Ends when the thread that listens and that sends signs of life has come round: at once, unless something keeps it. Never, when this has been disposed.
    /// </summary>
    public Task ComeRoundAsync()
    {
        var round = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _io.Post(round.SetResult);
        return round.Task;
    }

    /// <inheritdoc />
    /// <exception cref="ArgumentException">A member has no place where it accepts data connections.</exception>
    public ICommunicator Open(CommunicatorSpec spec)
    {
        ArgumentNullException.ThrowIfNull(spec);
        if (spec.Members.FirstOrDefault(member => member.EndPoint is not (IPEndPoint or DnsEndPoint)) is { } homeless)
        {
            throw new ArgumentException(
                $"Rank {homeless.Rank} on host '{homeless.Host}' names no place where it accepts data connections: every silo of the cluster must have a "
                + $"{nameof(TcpCommunicatorProvider)}.",
                nameof(spec));
        }

        if (spec.Device is { IsHostMemory: false } device)
        {
            throw new NotSupportedException($"TCP carries memory of the processor, and rank {spec.Rank} computes on {device.Description}: GPUs of several processes need NCCL (NcclCommunicatorProvider).");
        }

        var connections = new PeerConnections(spec, CommunicatorIdentity.Of(_options.ClusterId, spec), _server, _io, _time);
        _server.Register(connections);
        connections.Connect();
        return new TcpCommunicator(connections);
    }

    /// <summary>Ends every communicator of this process, and closes every connection.</summary>
    public void Dispose()
    {
        _server.Dispose();
        _io.Dispose();
    }
}
