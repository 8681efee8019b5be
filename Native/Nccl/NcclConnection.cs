using MoEActors.Native.Communication;
using MoEActors.Native.Communication.Collectives;
using MoEActors.Native.Cuda;
using MoEActors.Native.Cuda.Bindings;
using MoEActors.Native.Cuda.Hardware;
using MoEActors.Native.Nccl.Bindings;

namespace MoEActors.Native.Nccl;

/// <summary>
/// NCCL's part of one rank's communicator. The rank's thread asks for something and waits until NCCL has taken it, which is when it is queued on the device's
/// stream; the GPU's pump does it, watches whether what is queued ends, and gives it up when the communicator fails.
/// </summary>
internal sealed class NcclConnection : IDisposable
{
    /// <summary>How often NCCL is asked at once whether it is done, before the pump looks at others.</summary>
    private const int Polls = 64;

    /// <summary>How soon the pump looks again at what is not done, in milliseconds.</summary>
    private const int Soon = 1;

    private readonly CommunicatorSpec _spec;
    private readonly CudaDevice _device;
    private readonly Func<Failure, Failure> _fail;
    private readonly NcclPump _pump;
    private readonly NcclRequests _requests;
    private readonly FlightWatch _flight;
    private readonly List<Transfer> _transfers = [];
    private nint _communicator;
    private volatile bool _hasLeft;
    private NcclUniqueId _id;
    private Stage _stage = Stage.Unopened;
    private CollectiveOperation _operation;
    private volatile Failure? _failure;
    private CommunicatorException? _interruption;
    private long _since;

    /// <summary>Nothing is asked of NCCL yet.</summary>
    /// <param name="spec">Which communicator, and among whom.</param>
    /// <param name="device">The rank's device, on whose stream everything is queued.</param>
    /// <param name="fail">Ends the communicator on every rank, and this with it by <see cref="End"/>.</param>
    public NcclConnection(CommunicatorSpec spec, CudaDevice device, Func<Failure, Failure> fail)
    {
        _spec = spec;
        _device = device;
        _fail = fail;
        _flight = new FlightWatch(device, spec.ProgressDeadline);
        _pump = NcclPump.Of(device.Gpu);
        _requests = new NcclRequests(_pump);
        _pump.Add(this);
    }

    private enum Stage
    {
        Unopened,
        Joining,
        Ready,
        Launching,
        Finalizing,
        Leaving,
        Ended,
    }

    /// <summary>Joins the ranks that have the same id. Returns when NCCL has been told; what is launched waits for the others.</summary>
    /// <param name="id">The id that one of the ranks has made.</param>
    public void Join(in NcclUniqueId id)
    {
        _id = id;
        _requests.Ask(NcclRequest.Join);
    }

    /// <summary>Begins to collect transfers, of which none waits for another.</summary>
    /// <param name="operation">What they are part of.</param>
    public void Begin(CollectiveOperation operation)
    {
        _operation = operation;
        _transfers.Clear();
    }

    /// <summary>Adds a transfer; one of no bytes is none.</summary>
    public void Add(in Transfer transfer)
    {
        if (transfer.Bytes > 0)
        {
            _transfers.Add(transfer);
        }
    }

    /// <summary>Queues the transfers on the device's stream, behind what is there.</summary>
    /// <exception cref="CommunicatorException">The communicator has failed.</exception>
    /// <exception cref="ObjectDisposedException">This rank has disposed it.</exception>
    public void Launch()
    {
        if (_transfers.Count > 0)
        {
            _requests.Ask(NcclRequest.Launch);
        }

        if (_failure is { } failure)
        {
            throw failure.ToException(_operation, _spec.Rank, _spec.Size);
        }
    }

    /// <summary>The communicator has failed: what is queued is given up. From any thread.</summary>
    public void End(Failure failure)
    {
        _failure = failure;
        _pump.Wake();
    }

    /// <summary>
    /// Waits until what is queued has been done, and leaves the others. A failure on the way makes it give up instead. What is queued on the device from now on
    /// counts again.
    /// </summary>
    public void Dispose()
    {
        _requests.Ask(NcclRequest.Close);
        _pump.Remove(this);
        _flight.Dispose();
        if (_interruption is { } cause)
        {
            _device.Resume(cause);
        }
    }

    /// <summary>Does what can be done now. On the pump's thread.</summary>
    /// <param name="gpu">The pump's GPU.</param>
    /// <returns>Milliseconds after which to look again, if nobody wakes the pump before.</returns>
    public int Advance(CudaGpu gpu)
    {
        if (_stage == Stage.Ended)
        {
            _requests.Answer();
            return Timeout.Infinite;
        }

        if (_stage == Stage.Leaving)
        {
            return _hasLeft ? Leave() : Timeout.Infinite;
        }

        bool hasFailed = _failure is not null;
        try
        {
            gpu.Enter();
            return hasFailed ? GiveUp(gpu, _failure!) : Continue(gpu);
        }
        catch (CudaException) when (hasFailed)
        {
            // The GPU is lost: what NCCL has there goes with the process.
            return Leave();
        }
        catch (CudaException e)
        {
            _fail(Failure.Aborted(_spec.Rank, e));
            return 0;
        }
    }

    private int Continue(CudaGpu gpu)
    {
        switch (_stage)
        {
            case Stage.Unopened when _requests.IsAsked(NcclRequest.Join):
                Begin(Stage.Joining, NcclFunctions.CommInitRankConfig(out _communicator, _spec.Size, _id, _spec.Rank, NcclConfig.NonBlocking));
                _requests.Answer();
                return 0;
            case Stage.Unopened when _requests.IsAsked(NcclRequest.Close):
                return Leave();
            case Stage.Joining or Stage.Launching or Stage.Finalizing:
                return Poll(gpu);
            case Stage.Ready when _requests.IsAsked(NcclRequest.Launch):
                Begin(Stage.Launching, Issue());
                return 0;
            case Stage.Ready when _requests.IsAsked(NcclRequest.Close):
                return Close();
            case Stage.Ready:
                return _flight.IsDue ? Watch() : _flight.HasLanded ? int.MaxValue : _flight.Wait;
            default:
                return Timeout.Infinite;
        }
    }

    /// <summary>Something has been asked of NCCL that goes on by itself.</summary>
    private void Begin(Stage stage, NcclResult result)
    {
        _stage = stage;
        _since = Environment.TickCount64;
        if (result is not (NcclResult.Success or NcclResult.InProgress))
        {
            Refuse(result);
        }
    }

    private int Poll(CudaGpu gpu)
    {
        NcclResult state = NcclResult.InProgress;
        for (int i = 0; i < Polls && state == NcclResult.InProgress; i++)
        {
            NcclResult asked = NcclFunctions.CommGetAsyncError(_communicator, out state);
            state = asked == NcclResult.Success ? state : asked;
        }

        switch (state)
        {
            case NcclResult.Success:
                Finish(gpu);
                return 0;
            case NcclResult.InProgress when Environment.TickCount64 - _since < _spec.ProgressDeadline.TotalMilliseconds:
                return Soon;
            case NcclResult.InProgress:
                _fail(Late());
                return 0;
            default:
                Refuse(state);
                return 0;
        }
    }

    private void Finish(CudaGpu gpu)
    {
        switch (_stage)
        {
            case Stage.Launching:
                _flight.Begin();
                _stage = Stage.Ready;
                _requests.Answer();
                break;
            case Stage.Finalizing:
                Part(gpu, NcclFunctions.CommDestroy);
                break;
            default:
                _stage = Stage.Ready;
                break;
        }
    }

    /// <summary>Leaves the others as soon as everything that is queued has been done.</summary>
    private int Close()
    {
        if (!_flight.HasLanded && Watch() == 0)
        {
            return 0;
        }

        if (!_flight.HasLanded)
        {
            return Soon;
        }

        Begin(Stage.Finalizing, NcclFunctions.CommFinalize(_communicator));
        return 0;
    }

    /// <summary>Looks after what is queued; 0 if it has failed.</summary>
    private int Watch()
    {
        NcclResult asked = NcclFunctions.CommGetAsyncError(_communicator, out NcclResult state);
        if ((asked, state) != (NcclResult.Success, NcclResult.Success))
        {
            Refuse(asked == NcclResult.Success ? state : asked);
            return 0;
        }

        if (_flight.Look())
        {
            _fail(Stalled());
            return 0;
        }

        return _flight.HasLanded ? int.MaxValue : _flight.Wait;
    }

    private bool HasLanded()
    {
        if (!_flight.HasLanded)
        {
            // It has failed already, and will not wait any longer.
            _ = _flight.Look();
        }

        return _flight.HasLanded;
    }

    private NcclResult Issue()
    {
        NcclResult result = NcclFunctions.GroupStart();
        foreach (Transfer transfer in _transfers)
        {
            if (result == NcclResult.Success)
            {
                result = transfer.Issue(_communicator, _device.Stream.Handle);
            }
        }

        // What was begun must be ended, whatever has come between.
        NcclResult ended = NcclFunctions.GroupEnd();
        return result is NcclResult.Success or NcclResult.InProgress ? ended : result;
    }

    /// <summary>Gives up what is queued and what is asked. What the stream would do with what has not come is of no worth, and the device says so from now on.</summary>
    private int GiveUp(CudaGpu gpu, Failure failure)
    {
        if (_communicator == 0)
        {
            return Leave();
        }

        // Before the stream goes on.
        if (_stage == Stage.Launching || !HasLanded())
        {
            _interruption = failure.ToException(_operation, _spec.Rank, _spec.Size);
            _device.Interrupt(_interruption);
        }

        return Part(gpu, NcclFunctions.CommAbort);
    }

    /// <summary>
    /// Gives NCCL's part back, on a thread of its own: NCCL may wait there until the device has done what others have queued on it, and only the pump, which goes on,
    /// can give those up.
    /// </summary>
    private int Part(CudaGpu gpu, Func<nint, NcclResult> end)
    {
        nint communicator = _communicator;
        _stage = Stage.Leaving;
        new Thread(() =>
        {
            try
            {
                gpu.Enter();
                _ = end(communicator);
            }
            catch (CudaException)
            {
                // The GPU is lost: what NCCL has there goes with the process.
            }

            _hasLeft = true;
            _pump.Wake();
        })
        { IsBackground = true, Name = $"nccl leaving cuda:{gpu.Ordinal}" }.Start();
        return Timeout.Infinite;
    }

    private int Leave()
    {
        (_communicator, _stage) = (0, Stage.Ended);
        _requests.Answer();
        return Timeout.Infinite;
    }

    private void Refuse(NcclResult result) => _fail(new Failure(
        $"NCCL failed on rank {_spec.Rank} ({_device.Description}): {NcclInstallation.InWords(result, _communicator)}. NCCL_DEBUG=INFO in the environment of every silo makes it say more.",
        [], null));

    private Failure Late() => _stage != Stage.Joining
        ? Stalled()
        : new Failure(
            $"NCCL has not brought the {_spec.Size} ranks together within {_spec.ProgressDeadline.TotalSeconds:0.###} s, though every one has called it. Look at the network "
            + "between their hosts: NCCL_SOCKET_IFNAME names the interface to use, NCCL_DEBUG=INFO makes NCCL say what it tries.", [], null);

    private Failure Stalled() =>
        Failure.Stalled([.. Enumerable.Range(0, _spec.Size).Where(peer => peer != _spec.Rank)], _spec.ProgressDeadline, _spec.Rank);
}
