using MoEActors.Native.Communication.Collectives;

namespace MoEActors.Native.Communication.InProcess;

/// <summary>
/// The communicators of ranks that are threads of one process. They fail as those between machines do: the error at the deadline names
/// the ranks that did not arrive, and a failure of one rank is a failure of all.
/// </summary>
public sealed class InProcessCommunicatorGroup : IDisposable
{
    private readonly Lock _lock = new();
    private readonly CollectiveBarrier _barrier;
    private readonly bool[] _opened;
    private readonly List<IPeerMemory> _memories = [];
    private readonly Action<InProcessCommunicatorGroup>? _whenReleased;
    private int _inUse;

    /// <summary>Creates a group; <see cref="Open"/> hands out its communicators.</summary>
    /// <param name="size">Number of ranks.</param>
    /// <param name="deadline">How long an operation waits, from its first rank's arrival, for the others.</param>
    /// <param name="time">The clock of the deadline; the system's unless given.</param>
    /// <exception cref="ArgumentOutOfRangeException">Less than one rank, or a deadline that is not positive.</exception>
    public InProcessCommunicatorGroup(int size, TimeSpan? deadline = null, TimeProvider? time = null)
        : this(size, deadline ?? CommunicatorSpec.DefaultProgressDeadline, time ?? TimeProvider.System, whenReleased: null) { }

    internal InProcessCommunicatorGroup(int size, TimeSpan deadline, TimeProvider time, Action<InProcessCommunicatorGroup>? whenReleased)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(size, 1);
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(deadline, TimeSpan.Zero);
        _barrier = new CollectiveBarrier(size, deadline, time);
        _opened = new bool[size];
        _whenReleased = whenReleased;
    }

    /// <summary>Number of ranks.</summary>
    public int Size => _opened.Length;

    /// <summary>True while a communicator that was handed out has not been disposed.</summary>
    internal bool InUse
    {
        get
        {
            lock (_lock)
            {
                return _inUse > 0;
            }
        }
    }

    /// <summary>Hands out the communicator of a rank, once, without waiting for other ranks.</summary>
    /// <param name="rank">The rank.</param>
    /// <param name="device">The device whose memory the rank's spans are in; null for memory that the processor addresses.</param>
    /// <param name="waits">Whether calls end only when what they copy is there, for who goes on on another stream than the device's.</param>
    /// <exception cref="ArgumentOutOfRangeException">The group has no such rank.</exception>
    /// <exception cref="InvalidOperationException">The rank has been opened before.</exception>
    public ICommunicator Open(int rank, IDevice? device = null, bool waits = false)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(rank);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(rank, Size);
        lock (_lock)
        {
            if (_opened[rank])
            {
                throw new InvalidOperationException($"Rank {rank} of {Size} has been opened before; two workers claim one rank.");
            }

            _opened[rank] = true;
            _inUse++;
            IPeerMemory memory = device is null or { IsHostMemory: true } ? HostPeerMemory.Instance : new DevicePeerMemory(device, waits);
            _memories.Add(memory);
            return new InProcessCommunicator(this, _barrier, rank, memory);
        }
    }

    /// <summary>Ends the group on every rank, as the disposal of all its communicators does.</summary>
    public void Dispose()
    {
        _barrier.Fail(new Failure("the group has been disposed. Open a new view.", [], null));
        _barrier.Dispose();
    }

    /// <summary>A communicator has been disposed.</summary>
    internal void Released()
    {
        lock (_lock)
        {
            if (--_inUse > 0)
            {
                return;
            }

            // Not sooner: the others may be about to wait for a rank's signals.
            _memories.ForEach(memory => memory.Dispose());
            _memories.Clear();
        }

        _barrier.Dispose();
        _whenReleased?.Invoke(this);
    }
}
