namespace MoEActors.Native.Nccl;

/// <summary>What a rank's threads ask of the GPU's pump, one after another: whoever asks waits for the answer.</summary>
/// <param name="pump">The pump, which is woken.</param>
internal sealed class NcclRequests(NcclPump pump)
{
    private readonly object _lock = new();
    private NcclRequest _request;
    private bool _isClosed;

    /// <summary>Asks, and waits until it is answered.</summary>
    /// <exception cref="ObjectDisposedException">This rank has disposed the communicator.</exception>
    public void Ask(NcclRequest request)
    {
        lock (_lock)
        {
            while (_request != NcclRequest.None && !_isClosed)
            {
                Monitor.Wait(_lock);
            }

            // The pump does not look at a closed one again: nobody would answer.
            ObjectDisposedException.ThrowIf(_isClosed, typeof(NcclCommunicator));
            _isClosed = request == NcclRequest.Close;
            _request = request;
            pump.Wake();
            while (_request == request)
            {
                Monitor.Wait(_lock);
            }
        }
    }

    /// <summary>Whether this is what is asked. On the pump's thread, as what follows.</summary>
    public bool IsAsked(NcclRequest request)
    {
        lock (_lock)
        {
            return _request == request;
        }
    }

    /// <summary>What is asked has been done, or will never be.</summary>
    public void Answer()
    {
        lock (_lock)
        {
            _request = NcclRequest.None;
            Monitor.PulseAll(_lock);
        }
    }
}

/// <summary>What can be asked of NCCL.</summary>
internal enum NcclRequest
{
    /// <summary>Nothing.</summary>
    None,

    /// <summary>To join the others.</summary>
    Join,

    /// <summary>To queue transfers.</summary>
    Launch,

    /// <summary>To leave, for good.</summary>
    Close,
}
