using System.Collections.Concurrent;
using System.Diagnostics;
using Microsoft.AspNetCore.Connections;

namespace MoEActors.Client.Connections;

/// <summary>
/// Finds another way to grains that do not answer. Orleans sends all calls of a grain through one gateway for as long as that lives; one that lives and cannot reach the
/// grain's silo would keep them for ever. When a grain has not answered for a while, connections to gateways are closed, and Orleans chooses gateways anew.
/// </summary>
internal sealed class GatewayRenewal : IOutgoingGrainCallFilter
{
    /// <summary>How long a grain may be silent: as long as the death of its silo takes to be noticed, and its new beginning.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(8);

    private readonly ConcurrentDictionary<ConnectionContext, bool> _connections = [];
    private readonly ConcurrentDictionary<GrainId, long> _silentSince = [];

    /// <summary>Knows the connections to gateways.</summary>
    public ConnectionDelegate Watch(ConnectionDelegate next) => async connection =>
    {
        _connections.TryAdd(connection, true);
        try
        {
            await next(connection);
        }
        finally
        {
            _connections.TryRemove(connection, out _);
        }
    };

    /// <inheritdoc />
    public async Task Invoke(IOutgoingGrainCallContext context)
    {
        long asked = Stopwatch.GetTimestamp();
        try
        {
            await context.Invoke();
        }
        catch (TimeoutException)
        {
            if (Stopwatch.GetElapsedTime(_silentSince.GetOrAdd(context.TargetId, asked)) > Patience && _silentSince.TryRemove(context.TargetId, out _))
            {
                Renew();
            }

            throw;
        }
        catch
        {
            _silentSince.TryRemove(context.TargetId, out _);
            throw;
        }

        _silentSince.TryRemove(context.TargetId, out _);
    }

    private void Renew()
    {
        foreach (ConnectionContext connection in _connections.Keys)
        {
            connection.Abort(new ConnectionAbortedException("A grain behind a gateway does not answer: gateways are chosen anew."));
        }
    }
}
