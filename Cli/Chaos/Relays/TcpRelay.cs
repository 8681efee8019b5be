using System.Net;
using System.Net.Sockets;

namespace MoEActors.Cli.Chaos.Relays;

/// <summary>What a relayed port is for.</summary>
internal enum RelayedPort
{
    /// <summary>Silos call each other.</summary>
    Silo,

    /// <summary>Clients call silos.</summary>
    Gateway,

    /// <summary>Rows travel between silos.</summary>
    Data,
}

/// <summary>A connection through a relay.</summary>
/// <param name="From">The silo that has made it; null for somebody else.</param>
/// <param name="To">The silo that it leads to.</param>
/// <param name="Port">The port.</param>
internal readonly record struct RelayedLink(int? From, int To, RelayedPort Port);

/// <summary>Stands before a port of a silo and forwards what comes, unless it is held back: then connections stay open, and nothing moves.</summary>
internal sealed class TcpRelay : IDisposable
{
    private const int BufferBytes = 64 * 1024;

    private readonly CancellationTokenSource _ending = new();
    private readonly TcpListener _listener;
    private readonly IPEndPoint _target;
    private readonly Func<int, RelayedLink> _link;
    private readonly Func<RelayedLink, CancellationToken, Task> _mayPass;

    /// <summary>Listens.</summary>
    /// <param name="port">Port on loopback that others connect to.</param>
    /// <param name="target">Port on loopback that it leads to.</param>
    /// <param name="link">What a connection is, by the port at its other end.</param>
    /// <param name="mayPass">Ends when something may pass over a connection.</param>
    public TcpRelay(int port, int target, Func<int, RelayedLink> link, Func<RelayedLink, CancellationToken, Task> mayPass)
    {
        _target = new IPEndPoint(IPAddress.Loopback, target);
        (_link, _mayPass) = (link, mayPass);
        _listener = new TcpListener(IPAddress.Loopback, port);
        _listener.Start(512);
        _ = AcceptAsync();
    }

    public void Dispose()
    {
        _ending.Cancel();
        _listener.Dispose();
    }

    private async Task AcceptAsync()
    {
        while (!_ending.IsCancellationRequested)
        {
            try
            {
                _ = ForwardAsync(await _listener.AcceptSocketAsync(_ending.Token));
            }
            catch (SocketException) when (!_ending.IsCancellationRequested)
            {
                // That one is gone before it was accepted; the next ones are not.
            }
            catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException or SocketException)
            {
                return;
            }
        }
    }

    private async Task ForwardAsync(Socket accepted)
    {
        using Socket near = accepted;
        using var far = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            near.NoDelay = far.NoDelay = true;
            RelayedLink link = _link(((IPEndPoint)near.RemoteEndPoint!).Port);
            await _mayPass(link, _ending.Token);
            await far.ConnectAsync(_target, _ending.Token);
            await Task.WhenAll(PumpAsync(near, far, link), PumpAsync(far, near, link));
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException or ObjectDisposedException or IOException)
        {
            // One of the two has ended: so does the other.
        }
    }

    private async Task PumpAsync(Socket from, Socket to, RelayedLink link)
    {
        try
        {
            byte[] buffer = new byte[BufferBytes];
            while (await from.ReceiveAsync(buffer, SocketFlags.None, _ending.Token) is > 0 and int count)
            {
                await _mayPass(link, _ending.Token);
                for (int sent = 0; sent < count;)
                {
                    sent += await to.SendAsync(buffer.AsMemory(sent, count - sent), SocketFlags.None, _ending.Token);
                }
            }

            to.Shutdown(SocketShutdown.Send);
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException or ObjectDisposedException)
        {
            from.Dispose();
            to.Dispose();
        }
    }
}
