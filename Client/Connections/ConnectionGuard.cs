using System.Net;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Logging;
using MoEActors.Native.Communication.Security;

namespace MoEActors.Client.Connections;

/// <summary>Lets Orleans have only connections whose other side has proven that it knows the cluster's secret.</summary>
/// <param name="handshake">The handshake.</param>
/// <param name="log">Where refusals are told.</param>
internal sealed class ConnectionGuard(SecretHandshake handshake, ILogger log)
{
    /// <summary>Handshakes that an endpoint has under way at most; each holds a connection that anybody may have opened.</summary>
    public const int MaximumPending = 64;

    /// <summary>How long a handshake may take.</summary>
    public TimeSpan Deadline { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Is told why a connection that this process has dialed cannot be used.</summary>
    public Action<HandshakeException>? Failed { get; init; }

    /// <summary>Guards connections that this process opens.</summary>
    /// <param name="role">What it is.</param>
    /// <param name="self">Its address; null for a client.</param>
    public Func<ConnectionDelegate, ConnectionDelegate> Dialing(ConnectionRole role, Func<EndPoint>? self = null) => next => async connection =>
    {
        string target = SecretHandshake.Name(connection.RemoteEndPoint);
        try
        {
            await WithinDeadlineAsync(
                connection, cancellation => handshake.DialAsync(connection.Transport, role, target, SecretHandshake.Name(self?.Invoke()), cancellation));
        }
        catch (HandshakeException e)
        {
            Failed?.Invoke(e);
            ConnectionLog.NotUsed(log, target, e.Reason, SecretHandshake.Words(e.Reason));
            throw;
        }

        await next(connection);
    };

    /// <summary>Guards connections that others open to this process.</summary>
    /// <param name="role">What they must be.</param>
    /// <param name="self">This process's address, which they must mean; null where any may have led here.</param>
    /// <param name="refusals">Counts those that are refused.</param>
    public Func<ConnectionDelegate, ConnectionDelegate> Accepting(ConnectionRole role, Func<EndPoint>? self, ConnectionRefusals refusals)
    {
        int pending = 0;
        return next => async connection =>
        {
            try
            {
                try
                {
                    if (Interlocked.Increment(ref pending) > MaximumPending)
                    {
                        throw new HandshakeException(ConnectionRefusal.Crowd, $"is refused: {SecretHandshake.Words(ConnectionRefusal.Crowd)}");
                    }

                    string? name = self is null ? null : SecretHandshake.Name(self());
                    await WithinDeadlineAsync(connection, cancellation => handshake.AcceptAsync(connection.Transport, role, name, cancellation));
                }
                finally
                {
                    Interlocked.Decrement(ref pending);
                }
            }
            catch (HandshakeException e)
            {
                // Nobody is told of it but this process: whoever is refused may be anybody.
                refusals.Count(e.Reason);
                ConnectionLog.Refused(log, SecretHandshake.Name(connection.RemoteEndPoint), e.Reason, SecretHandshake.Words(e.Reason));
                await connection.Transport.Output.CompleteAsync();
                connection.Abort(new ConnectionAbortedException(e.Message, e));
                return;
            }

            await next(connection);
        };
    }

    private async Task WithinDeadlineAsync(ConnectionContext connection, Func<CancellationToken, Task> shake)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(connection.ConnectionClosed);
        deadline.CancelAfter(Deadline);
        try
        {
            await shake(deadline.Token);
        }
        catch (OperationCanceledException)
        {
            ConnectionRefusal reason = connection.ConnectionClosed.IsCancellationRequested ? ConnectionRefusal.Truncated : ConnectionRefusal.Deadline;
            throw new HandshakeException(reason, $"is refused: {SecretHandshake.Words(reason)}");
        }
        catch (Exception e) when (e is IOException or ConnectionResetException or ConnectionAbortedException or InvalidOperationException)
        {
            throw new HandshakeException(ConnectionRefusal.Truncated, $"is refused: {SecretHandshake.Words(ConnectionRefusal.Truncated)}");
        }
    }
}
