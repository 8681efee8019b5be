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
    /// <summary>How long a grain may be silent: as long as the death of its silo takes to be noticed, and its new beginning. And how long new gateways have until others are chosen.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(8);

    private readonly ConcurrentDictionary<ConnectionContext, bool> _connections = [];
    private readonly ConcurrentDictionary<GrainId, Conversation> _conversations = [];
    private long _renewed;

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
        Conversation conversation = _conversations.GetOrAdd(context.TargetId, _ => new Conversation());
        long asked = Stopwatch.GetTimestamp();
        try
        {
            await context.Invoke();
        }
        catch (Exception e) when (e is OrleansException or TimeoutException or OperationCanceledException)
        {
            // A gateway has turned the call away, or nothing has come back.
            if (conversation.SilenceSince(asked) > Patience)
            {
                Renew();
            }

            throw;
        }
        catch
        {
            conversation.Answered();
            throw;
        }

        conversation.Answered();
    }

    private void Renew()
    {
        long renewed = Interlocked.Read(ref _renewed), now = Stopwatch.GetTimestamp();
        if (Stopwatch.GetElapsedTime(renewed, now) < Patience || Interlocked.CompareExchange(ref _renewed, now, renewed) != renewed)
        {
            return;
        }

        foreach (ConnectionContext connection in _connections.Keys)
        {
            connection.Abort(new ConnectionAbortedException("A grain behind a gateway does not answer: gateways are chosen anew."));
        }
    }

    /// <summary>The calls of one grain.</summary>
    private sealed class Conversation
    {
        private readonly Lock _lock = new();
        private long _answered;
        private long? _silentSince;

        public void Answered()
        {
            lock (_lock)
            {
                (_answered, _silentSince) = (Stopwatch.GetTimestamp(), null);
            }
        }

        /// <summary>For how long the grain has answered nothing, now that a call of that time has not been answered.</summary>
        public TimeSpan SilenceSince(long asked)
        {
            lock (_lock)
            {
                return Stopwatch.GetElapsedTime(_silentSince ??= Math.Max(asked, _answered));
            }
        }
    }
}
