using System.Net;
using System.Net.Sockets;

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
    private readonly byte[] _key;
    private readonly byte[] _hello = new byte[Hello.Size];
    private readonly byte[] _challenge = new byte[HandshakeProof.AnswerSize];
    private Hello _claim;
    private bool _challenged;

    public AcceptingHandshake(DataServer server, IoThread io, Socket socket, byte[] key, TimeSpan deadline)
        : base(io, socket, deadline)
    {
        _server = server;
        _key = key;
        Expect(Hello.Size);
    }

    /// <inheritdoc />
    public override void OnDue(long now) => Refuse(ConnectionRefusal.TooSlow);

    /// <inheritdoc />
    public override void OnBroken(SocketError error) => Refuse(ConnectionRefusal.Truncated);

    /// <inheritdoc />
    protected override void OnMessage(ReadOnlySpan<byte> message)
    {
        if (!_challenged)
        {
            Challenge(message);
        }
        else if (!HandshakeProof.IsSame(message, HandshakeProof.OfConnector(_key, _hello, _challenge)))
        {
            Refuse(ConnectionRefusal.Unauthenticated, HandshakeAnswer.Unauthenticated);
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
            Refuse(refusal, refusal == ConnectionRefusal.OtherVersion ? HandshakeAnswer.OtherVersion : null);
            return;
        }

        hello.CopyTo(_hello);
        _challenge[0] = (byte)HandshakeAnswer.Challenge;
        HandshakeProof.Nonce().Write(_challenge.AsSpan(1));
        _challenged = true;
        Expect(Digest.Size);
        Say(_challenge);
    }

    private void Admit()
    {
        if (_server.Refusal(_claim) is { } refusal)
        {
            Refuse(refusal, refusal switch
            {
                ConnectionRefusal.OtherMembers => HandshakeAnswer.OtherMembers,
                ConnectionRefusal.Duplicate => HandshakeAnswer.Duplicate,
                _ => HandshakeAnswer.Busy,
            });
            return;
        }

        Span<byte> answer = stackalloc byte[HandshakeProof.AnswerSize];
        answer[0] = (byte)HandshakeAnswer.Accepted;
        HandshakeProof.OfAcceptor(_key, _hello, _challenge).Write(answer[1..]);
        Say(answer);
        _server.Leaves(this);
        _server.Take(_claim, Release());
    }

    private void Refuse(ConnectionRefusal reason, HandshakeAnswer? answer = null)
    {
        if (answer is { } code)
        {
            Span<byte> message = stackalloc byte[HandshakeProof.AnswerSize];
            message.Clear();
            message[0] = (byte)code;
            Socket.Send(message, SocketFlags.None, out _);
        }

        _server.Leaves(this);
        _server.Counters.Refuse(reason);
        Close();
    }
}

/// <summary>The connecting side of a handshake, from the connection on.</summary>
internal sealed class ConnectingHandshake : Handshake
{
    private readonly Connector _connector;
    private readonly byte[] _key;
    private readonly byte[] _hello = new byte[Hello.Size];
    private readonly byte[] _challenge = new byte[HandshakeProof.AnswerSize];
    private bool _connected;
    private bool _proved;

    /// <summary>Begins to connect.</summary>
    /// <exception cref="SocketException">The system refuses at once.</exception>
    public ConnectingHandshake(Connector connector, IoThread io, Socket socket, IPEndPoint address, byte[] key, in Hello hello, TimeSpan deadline)
        : base(io, socket, deadline)
    {
        _connector = connector;
        _key = key;
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
    public override void OnDue(long now) => Retry("it does not answer");

    /// <inheritdoc />
    public override void OnBroken(SocketError error) =>
        Retry(_connected ? "it closed the connection in the handshake" : new SocketException((int)error).Message);

    /// <inheritdoc />
    protected override void OnMessage(ReadOnlySpan<byte> message)
    {
        switch ((HandshakeAnswer)message[0])
        {
            case HandshakeAnswer.Challenge when !_proved:
                message.CopyTo(_challenge);
                Span<byte> proof = stackalloc byte[Digest.Size];
                HandshakeProof.OfConnector(_key, _hello, _challenge).Write(proof);
                _proved = true;
                Expect(HandshakeProof.AnswerSize);
                Say(proof);
                break;

            case HandshakeAnswer.Accepted when _proved && HandshakeProof.IsSame(message[1..], HandshakeProof.OfAcceptor(_key, _hello, _challenge)):
                _connector.Connected(Release());
                break;

            case HandshakeAnswer.Busy:
                Retry("too many connections are waiting there");
                break;

            case HandshakeAnswer.OtherVersion:
                GiveUp("speaks another version of the data plane's protocol: run the same version on every host");
                break;

            case HandshakeAnswer.OtherMembers:
                GiveUp("has opened this communicator with other members: all ranks must name the same members");
                break;

            case HandshakeAnswer.Duplicate:
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
