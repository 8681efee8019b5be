using System.Net;
using System.Net.Sockets;

namespace MoEActors.Native.Communication.Tcp;

/// <summary>
/// Makes one connection of a pair of ranks, again and again until it is there, refused for good, or given up: the other process may still be starting. On the
/// I/O thread.
/// </summary>
internal sealed class Connector(IoThread io, PeerConnections owner, Hello claim, EndPoint target, HandshakeProof proof, TimeSpan deadline)
{
    private const int FirstPause = 20;
    private const int LongestPause = 500;

    /// <summary>Attempts in a row to which there is no answer before the other side counts as lost. One that refuses may still be starting; one that is silent is cut off, or hangs.</summary>
    private const int MostSilences = 2;

    private ConnectingHandshake? _handshake;
    private int _pause = FirstPause;
    private int _attempts;
    private int _silences;
    private bool _ended;

    /// <summary>Begins, on the I/O thread.</summary>
    public void Start() => io.Post(Begin);

    /// <summary>Gives up. On the I/O thread.</summary>
    public void Cancel()
    {
        _ended = true;
        _handshake?.Cancel();
        _handshake = null;
    }

    /// <summary>The connection is there.</summary>
    public void Connected(Socket socket)
    {
        _handshake = null;
        owner.Attach(claim.To, claim.Stream, socket);
    }

    /// <summary>Nobody has answered this time.</summary>
    public void Unanswered()
    {
        owner.NoteSilence(claim.To);
        if (++_silences < MostSilences)
        {
            Failed("it does not answer");
        }
        else
        {
            _handshake = null;
            owner.Silent(deadline * MostSilences);
        }
    }

    /// <summary>It did not come about this time.</summary>
    public void Failed(string reason)
    {
        _handshake = null;
        owner.NoteTrouble(claim.To, reason);
        Task.Delay(_pause).ContinueWith(_ => io.Post(Begin), TaskScheduler.Default);
        _pause = Math.Min(2 * _pause, LongestPause);
    }

    /// <summary>It will not come about.</summary>
    public void Refused(string reason)
    {
        _handshake = null;
        owner.Refused(claim.To, reason);
    }

    private void Begin()
    {
        if (_ended)
        {
            return;
        }

        if (target is DnsEndPoint name)
        {
            Resolve(name);
        }
        else
        {
            Connect((IPEndPoint)target);
        }
    }

    private void Resolve(DnsEndPoint name) =>
        Dns.GetHostAddressesAsync(name.Host).ContinueWith(
            found => io.Post(() =>
            {
                if (found is { IsCompletedSuccessfully: true, Result: { Length: > 0 } addresses })
                {
                    // One after the other: a host may listen on some of its addresses only.
                    Connect(new IPEndPoint(addresses[_attempts++ % addresses.Length], name.Port));
                }
                else
                {
                    Failed($"nobody knows the name {name.Host}");
                }
            }),
            TaskScheduler.Default);

    private void Connect(IPEndPoint address)
    {
        if (_ended)
        {
            return;
        }

        Socket? socket = null;
        try
        {
            socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);

            // A nonce of its own for every attempt: what was said in one is of no use in another.
            _handshake = new ConnectingHandshake(this, io, socket, address, proof, claim with { Nonce = HandshakeProof.Nonce() }, deadline);
            io.Add(_handshake);
        }
        catch (SocketException e)
        {
            socket?.Dispose();
            Failed(e.Message);
        }
    }
}
