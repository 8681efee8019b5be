using System.Net;
using System.Net.Sockets;
using MoEActors.Native.Communication.Security;

namespace MoEActors.Native.Communication.Tcp;

/// <summary>
/// A connection that says who it is: messages of known sizes, one after the other, until the deadline. Nothing but these few bytes is taken from whoever has not proved
/// anything yet.
/// </summary>
internal abstract class Handshake : IoSocket
{
    private readonly byte[] _received = new byte[Hello.Size];
    private int _expected;
    private int _count;

    protected Handshake(IoThread io, Socket socket, TimeSpan deadline)
        : base(socket)
    {
        Io = io;
        Due = IoThread.Now + (long)Math.Ceiling(deadline.TotalMilliseconds);
    }

    protected IoThread Io { get; }

    /// <summary>Waits for a message of so many bytes.</summary>
    protected void Expect(int bytes)
    {
        _expected = bytes;
        _count = 0;
    }

    /// <summary>Sends a message, which always has room: it is one of the first two over its connection.</summary>
    protected void Say(ReadOnlySpan<byte> message)
    {
        int sent = Socket.Send(message, SocketFlags.None, out SocketError error);
        if (error != SocketError.Success || sent != message.Length)
        {
            throw new SocketException((int)(error == SocketError.Success ? SocketError.NoBufferSpaceAvailable : error));
        }
    }

    /// <inheritdoc />
    public override void OnReadable()
    {
        int count = Socket.Receive(_received.AsSpan(_count, _expected - _count), SocketFlags.None, out SocketError error);
        if (error == SocketError.WouldBlock)
        {
            return;
        }

        if (error != SocketError.Success || count == 0)
        {
            OnBroken(error == SocketError.Success ? SocketError.ConnectionReset : error);
            return;
        }

        _count += count;
        if (_count == _expected)
        {
            OnMessage(_received.AsSpan(0, _expected));
        }
    }

    /// <summary>A message is there.</summary>
    protected abstract void OnMessage(ReadOnlySpan<byte> message);

    /// <summary>Leaves the connection to somebody else.</summary>
    protected Socket Release()
    {
        Io.Remove(this);
        return Socket;
    }

    /// <summary>Ends the connection.</summary>
    protected void Close()
    {
        Io.Remove(this);
        Socket.Dispose();
    }
}

/// <summary>The accepting side of a handshake.</summary>
internal sealed class AcceptingHandshake : Handshake
{
    private readonly DataServer _server;
    private readonly HandshakeProof _proof;
    private readonly byte[] _hello = new byte[Hello.Size];
    private readonly byte[] _challenge = new byte[HandshakeProof.AnswerSize];
    private Hello _claim;
    private bool _challenged;

    public AcceptingHandshake(DataServer server, IoThread io, Socket socket, HandshakeProof proof, TimeSpan deadline)
        : base(io, socket, deadline)
    {
        _server = server;
        _proof = proof;
        Expect(Hello.Size);
    }

    /// <inheritdoc />
    public override void OnDue(long now) => Refuse(ConnectionRefusal.Deadline);

    /// <inheritdoc />
    public override void OnBroken(SocketError error) => Refuse(ConnectionRefusal.Truncated);

    /// <inheritdoc />
    protected override void OnMessage(ReadOnlySpan<byte> message)
    {
        if (!_challenged)
        {
            Challenge(message);
        }
        else if (!_proof.Is(message, HandshakeSide.Dialer, _hello, _challenge))
        {
            Refuse(ConnectionRefusal.Proof, isTold: true);
        }
        else
        {
            Admit();
        }
    }

    private void Challenge(ReadOnlySpan<byte> hello)
    {
        if (Hello.TryRead(hello, out _claim) is { } refusal)
        {
            Refuse(refusal, isTold: refusal == ConnectionRefusal.Version);
            return;
        }

        hello.CopyTo(_hello);
        _challenge[0] = HandshakeProof.GoOn;
        HandshakeProof.Nonce().Write(_challenge.AsSpan(1));
        _challenged = true;
        Expect(HandshakeProof.Size);
        Say(_challenge);
    }

    private void Admit()
    {
        if (_server.Refusal(_claim) is { } refusal)
        {
            Refuse(refusal, isTold: true);
            return;
        }

        Say([HandshakeProof.GoOn, .. _proof.Of(HandshakeSide.Acceptor, _hello, _challenge)]);
        _server.Leaves(this);
        _server.Take(_claim, Release());
    }

    private void Refuse(ConnectionRefusal reason, bool isTold = false)
    {
        if (isTold)
        {
            Span<byte> message = stackalloc byte[HandshakeProof.AnswerSize];
            message.Clear();
            message[0] = (byte)reason;
            Socket.Send(message, SocketFlags.None, out _);
        }

        _server.Leaves(this);
        _server.Refuse(reason, Socket);
        Close();
    }
}

/// <summary>The connecting side of a handshake, from the connection on.</summary>
internal sealed class ConnectingHandshake : Handshake
{
    private readonly Connector _connector;
    private readonly HandshakeProof _proof;
    private readonly byte[] _hello = new byte[Hello.Size];
    private readonly byte[] _challenge = new byte[HandshakeProof.AnswerSize];
    private bool _connected;
    private bool _proved;

    /// <summary>Begins to connect.</summary>
    /// <exception cref="SocketException">The system refuses at once.</exception>
    public ConnectingHandshake(Connector connector, IoThread io, Socket socket, IPEndPoint address, HandshakeProof proof, in Hello hello, TimeSpan deadline)
        : base(io, socket, deadline)
    {
        _connector = connector;
        _proof = proof;
        hello.Write(_hello);
        Expect(HandshakeProof.AnswerSize);
        WantsToRead = false;
        socket.Blocking = false;
        socket.NoDelay = true;
        try
        {
            socket.Connect(address);
        }
        catch (SocketException e) when (e.SocketErrorCode is SocketError.WouldBlock or SocketError.InProgress)
        {
            // It is on its way; there is room to send when it has arrived.
        }
    }

    /// <inheritdoc />
    public override bool WantsToWrite => !_connected;

    /// <summary>Gives up.</summary>
    public void Cancel() => Close();

    /// <inheritdoc />
    public override void OnWritable()
    {
        if (_connected)
        {
            return;
        }

        var error = (SocketError)(int)Socket.GetSocketOption(SocketOptionLevel.Socket, SocketOptionName.Error)!;
        if (error != SocketError.Success)
        {
            OnBroken(error);
            return;
        }

        _connected = true;
        WantsToRead = true;
        Say(_hello);
    }

    /// <inheritdoc />
    public override void OnDue(long now)
    {
        Close();
        _connector.Unanswered();
    }

    /// <inheritdoc />
    public override void OnBroken(SocketError error) =>
        Retry(_connected ? "it closed the connection in the handshake" : new SocketException((int)error).Message);

    /// <inheritdoc />
    protected override void OnMessage(ReadOnlySpan<byte> message)
    {
        switch (message[0])
        {
            case HandshakeProof.GoOn when !_proved:
                message.CopyTo(_challenge);
                _proved = true;
                Expect(HandshakeProof.AnswerSize);
                Say(_proof.Of(HandshakeSide.Dialer, _hello, _challenge));
                break;

            case HandshakeProof.GoOn when _proof.Is(message[1..], HandshakeSide.Acceptor, _hello, _challenge):
                _connector.Connected(Release());
                break;

            case (byte)ConnectionRefusal.Parked:
                Retry("too many connections are waiting there");
                break;

            case (byte)ConnectionRefusal.Version:
                GiveUp("speaks another version of the data plane's protocol: run the same version on every host");
                break;

            case (byte)ConnectionRefusal.Members:
                GiveUp("has opened this communicator with other members: all ranks must name the same members");
                break;

            case (byte)ConnectionRefusal.Duplicate:
                GiveUp("has such a connection already: two workers claim one rank, or an earlier connection was lost");
                break;

            default:
                GiveUp("does not have the same secret or cluster id: give every process of the cluster the same");
                break;
        }
    }

    private void Retry(string reason)
    {
        Close();
        _connector.Failed(reason);
    }

    private void GiveUp(string reason)
    {
        Close();
        _connector.Refused(reason);
    }
}
