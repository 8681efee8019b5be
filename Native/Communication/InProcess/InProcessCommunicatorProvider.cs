namespace MoEActors.Native.Communication.InProcess;

/// <summary>
/// Communicators among the silos of one process, which share this object. The first rank to open one creates its group, with its progress
/// deadline; the others join. A group is removed when every communicator that it handed out has been disposed.
/// </summary>
/// <param name="time">The clock of the deadlines; the system's unless given.</param>
public sealed class InProcessCommunicatorProvider(TimeProvider? time = null) : ICommunicatorProvider, IProcessPrivate
{
    private readonly Lock _lock = new();
    private readonly Dictionary<GroupKey, (InProcessCommunicatorGroup Group, CommunicatorSpec First)> _groups = [];

    /// <summary>Number of communicators that are open, however many of their ranks.</summary>
    public int OpenGroups
    {
        get
        {
            lock (_lock)
            {
                return _groups.Count;
            }
        }
    }

    /// <inheritdoc />
    public ICommunicator Open(CommunicatorSpec spec)
    {
        ArgumentNullException.ThrowIfNull(spec);
        var key = new GroupKey(spec.Purpose, spec.Model, spec.Term, spec.View, spec.Attempt);
        lock (_lock)
        {
            if (!_groups.TryGetValue(key, out (InProcessCommunicatorGroup Group, CommunicatorSpec First) open))
            {
                var group = new InProcessCommunicatorGroup(
                    spec.Size, spec.ProgressDeadline, time ?? TimeProvider.System, released => Remove(key, released));
                ICommunicator first = Open(group, spec);
                _groups.Add(key, (group, spec));
                return first;
            }

            if (!open.First.Members.SequenceEqual(spec.Members))
            {
                throw spec.DifferFrom(open.First);
            }

            return Open(open.Group, spec);
        }
    }

    /// <summary>Copies of shards are beside a step, whose stream is another.</summary>
    private static ICommunicator Open(InProcessCommunicatorGroup group, CommunicatorSpec spec) =>
        group.Open(spec.Rank, spec.Device, waits: spec.Purpose == CommunicatorPurpose.ShardCopy);

    private void Remove(GroupKey key, InProcessCommunicatorGroup released)
    {
        lock (_lock)
        {
            // Another rank may have joined since: its disposal will call again.
            if (!released.InUse && _groups.TryGetValue(key, out (InProcessCommunicatorGroup Group, CommunicatorSpec First) open) && open.Group == released)
            {
                _groups.Remove(key);
            }
        }
    }

    /// <summary>What the specs of one communicator have in common, beside the members.</summary>
    private readonly record struct GroupKey(CommunicatorPurpose Purpose, string Model, long Term, long View, long Attempt);
}
