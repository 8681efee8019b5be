using System.Net.Sockets;
using MoEActors.Native.Communication.Collectives;

namespace MoEActors.Native.Communication.Tcp;

/// <summary>
/// One operation at a time with all other ranks, on the executor's thread. It sends and receives with all of them at once whatever their connections take, so that
/// two ranks that send to each other never wait for each other; when nothing moves it waits in the kernel for whichever connection is ready first.
/// </summary>
internal sealed class CollectiveExchange(PeerConnections connections)
{
    private readonly List<DataStream> _streams = [];
    private readonly List<Socket> _toReceive = [];
    private readonly List<Socket> _toSend = [];
    private long _sequence = -1;
    private bool _agreed;

    /// <summary>The connection to another rank.</summary>
    public DataStream this[int peer] => connections[peer];

    /// <summary>Begins an operation: pieces and counts are added to the connections next.</summary>
    public void Begin()
    {
        _sequence++;
        _agreed = false;
        _streams.Clear();
        for (int i = 1; i < connections.Size; i++)
        {
            // Every rank begins at another peer, so that they do not all send to the same one first.
            DataStream stream = connections[(connections.Spec.Rank + i) % connections.Size];
            stream.Begin();
            _streams.Add(stream);
        }
    }

    /// <summary>Everything has been added: what the connections take at once is on its way when this returns.</summary>
    public void Start(in OperationDescription description)
    {
        foreach (DataStream stream in _streams)
        {
            stream.Receiver.Start(_sequence, description);
            stream.Sender.Start(_sequence, description);
            stream.Sender.TrySend();
        }
    }

    /// <summary>Waits until every rank has done its part.</summary>
    /// <param name="reduction">Takes what has arrived, piece by piece; null where pieces arrive in their places.</param>
    /// <exception cref="CommunicatorException">The communicator has died.</exception>
    public void Finish(OrderedReduction? reduction = null)
    {
        while (true)
        {
            bool moved = Move();
            if (_agreed && reduction is not null)
            {
                moved |= reduction.Consume(this);
            }

            if (_agreed && IsFinished() && reduction is null or { IsDone: true })
            {
                return;
            }

            connections.ThrowIfDead();
            if (!moved)
            {
                Wait();
            }
            else if (_agreed)
            {
                connections.Progress();
            }
        }
    }

    private bool Move()
    {
        bool moved = false;
        bool agree = true;
        foreach (DataStream stream in _streams)
        {
            moved |= stream.Sender.TrySend();
            moved |= stream.Receiver.TryReceive();
            agree &= stream.Receiver.IsVerified;
            Check(stream);
        }

        if (agree && !_agreed)
        {
            _agreed = true;
            _streams.ForEach(static stream => stream.Sender.Agree());
            moved = true;
        }

        return moved;
    }

    private void Check(DataStream stream)
    {
        if (stream.Receiver.Disagreement is { } disagreement)
        {
            throw connections.ExceptionOf(connections.Fail(new Failure(disagreement, [], null)));
        }

        if (stream.Receiver.IsMalformed)
        {
            throw connections.ExceptionOf(connections.Malformed(stream.Peer));
        }

        if (stream.IsClosed)
        {
            throw connections.Closed(stream.Peer);
        }
    }

    private bool IsFinished()
    {
        foreach (DataStream stream in _streams)
        {
            if (!stream.IsFinished)
            {
                return false;
            }
        }

        return true;
    }

    private void Wait()
    {
        connections.Watch();
        _toReceive.Clear();
        _toSend.Clear();
        foreach (DataStream stream in _streams)
        {
            if (stream.Receiver.Waits)
            {
                _toReceive.Add(stream.Socket);
            }

            if (stream.Sender.Waits)
            {
                _toSend.Add(stream.Socket);
            }
        }

        Socket.Select(_toReceive, _toSend, null, Timeout.Infinite);

        // What is left in the lists is ready, in the order in which it was added.
        int received = 0, sent = 0;
        foreach (DataStream stream in _streams)
        {
            if (IsNext(_toReceive, stream.Socket, ref received))
            {
                stream.Receiver.Resume();
            }

            if (IsNext(_toSend, stream.Socket, ref sent))
            {
                stream.Sender.Resume();
            }
        }
    }

    private static bool IsNext(List<Socket> ready, Socket socket, ref int index)
    {
        if (index < ready.Count && ready[index] == socket)
        {
            index++;
            return true;
        }

        return false;
    }
}
