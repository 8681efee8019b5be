using System.Net.Sockets;
using MoEActors.Native.Communication.Collectives;

namespace MoEActors.Native.Communication.Tcp;

/// <summary>
/// The control connection of two ranks. The I/O thread says over it, several times within the liveness deadline, that this process lives, and expects the
/// same; a failure is told by whoever notices it. Closed by the I/O thread alone.
/// </summary>
internal sealed class ControlChannel : IoSocket
{
    /// <summary>Signs of life in a liveness deadline. So many missing ones in a row are a silence: a thread that was held up for long misses one.</summary>
    private const int Beats = 4;

    private readonly Lock _lock = new();
    private readonly PeerConnections _owner;
    private readonly IoThread _io;
    private readonly int _peer;
    private readonly long _interval;
    private readonly byte[] _header = new byte[ControlFrame.HeaderSize];
    private byte[] _body = [];
    private int _received;
    private byte[] _unsent = [];
    private bool _heard;
    private int _missed;
    private int _lingers = -1;
    private bool _closed;

    public ControlChannel(PeerConnections owner, IoThread io, Socket socket, int peer, TimeSpan liveness)
        : base(socket)
    {
        _owner = owner;
        _io = io;
        _peer = peer;
        _interval = Math.Max(1, (long)(liveness.TotalMilliseconds / Beats));
        Due = IoThread.Now + _interval;
    }

    /// <inheritdoc />
    public override bool WantsToWrite
    {
        get
        {
            lock (_lock)
            {
                return _unsent.Length > 0;
            }
        }
    }

    /// <summary>Says why the communicator has failed. From any thread, at any time: what cannot be sent at once follows.</summary>
    public void Tell(Failure failure)
    {
        lock (_lock)
        {
            if (!_closed)
            {
                _unsent = [.. _unsent, .. ControlFrame.Of(failure)];
                SendUnsent();
            }
        }
    }

    /// <summary>Ends the connection after what has been said over it: the other side reads to the end. On the I/O thread.</summary>
    public void End()
    {
        if (_lingers < 0 && !_closed)
        {
            _lingers = Beats;
            EndSending();
        }
    }

    /// <inheritdoc />
    public override void OnWritable()
    {
        lock (_lock)
        {
            SendUnsent();
        }

        if (_lingers >= 0)
        {
            EndSending();
        }
    }

    /// <inheritdoc />
    public override void OnReadable()
    {
        Span<byte> rest = _received < _header.Length ? _header.AsSpan(_received) : _body.AsSpan(_received - _header.Length);
        int count = Socket.Receive(rest, SocketFlags.None, out SocketError error);
        if (error == SocketError.WouldBlock)
        {
            return;
        }

        if (error != SocketError.Success || count == 0)
        {
            OnBroken(error);
            return;
        }

        _heard = true;
        _received += count;
        if (_received == _header.Length)
        {
            if (!ControlFrame.TryReadHeader(_header, out _, out int length))
            {
                OnMalformed();
                return;
            }

            _body = length == 0 ? [] : new byte[length];
        }

        if (_received >= _header.Length && _received == _header.Length + _body.Length)
        {
            OnFrame();
        }
    }

    /// <inheritdoc />
    public override void OnDue(long now)
    {
        Due = now + _interval;
        _missed = _heard ? 0 : _missed + 1;
        _heard = false;
        if (_lingers >= 0)
        {
            if (--_lingers < 0)
            {
                Close();
            }
        }
        else if (_missed >= Beats)
        {
            _owner.Lost(_peer, $"has been silent for {_interval * Beats / 1000.0:0.###} s and counts as lost");
        }
        else
        {
            lock (_lock)
            {
                if (_unsent.Length == 0)
                {
                    Socket.Send(ControlFrame.Alive, SocketFlags.None, out _);
                }
            }
        }
    }

    /// <inheritdoc />
    public override void OnBroken(SocketError error)
    {
        Close();
        if (_lingers < 0)
        {
            _owner.Lost(_peer, "has closed its connection: its process has ended or was cut off");
        }
    }

    private void OnFrame()
    {
        _received = 0;
        if (_body.Length > 0)
        {
            if (ControlFrame.TryReadFailure(_body, _owner.Size, out Failure? failure))
            {
                _owner.Fail(failure!);
            }
            else
            {
                OnMalformed();
            }

            _body = [];
        }
    }

    private void OnMalformed()
    {
        Close();
        _owner.Malformed(_peer);
    }

    private void SendUnsent()
    {
        if (_unsent.Length > 0)
        {
            int sent = Socket.Send(_unsent, SocketFlags.None, out SocketError error);
            _unsent = error is SocketError.Success ? _unsent[sent..] : error is SocketError.WouldBlock ? _unsent : [];
        }
    }

    private void EndSending()
    {
        lock (_lock)
        {
            if (_unsent.Length > 0)
            {
                return;
            }
        }

        try
        {
            Socket.Shutdown(SocketShutdown.Send);
        }
        catch (SocketException)
        {
            // The other side was faster.
        }
    }

    private void Close()
    {
        _io.Remove(this);
        lock (_lock)
        {
            _closed = true;
            Socket.Dispose();
        }
    }
}
