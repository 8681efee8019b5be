namespace MoEActors.Native.Communication.InProcess;

/// <summary>
/// Communicators among the silos of one process, which share this object. The first to open an epoch creates its group, with
/// its deadline; the others join. A group is forgotten when every communicator that it handed out has been disposed.
/// </summary>
/// <param name="time">The clock of the deadlines; the system's unless given.</param>
public sealed class InProcessCommunicatorProvider(TimeProvider? time = null) : ICommunicatorProvider
{
    private readonly Lock _lock = new();
    private readonly Dictionary<(string Model, long Epoch), InProcessCommunicatorGroup> _groups = [];

    /// <summary>Number of epochs that are open.</summary>
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
    public ICommunicator Open(string model, long epoch, int rank, int size, TimeSpan deadline)
    {
        ArgumentException.ThrowIfNullOrEmpty(model);
        lock (_lock)
        {
            if (!_groups.TryGetValue((model, epoch), out InProcessCommunicatorGroup? group))
            {
                group = new InProcessCommunicatorGroup(size, deadline, time ?? TimeProvider.System, released => Forget(model, epoch, released));
                ICommunicator first = group.Open(rank);
                _groups.Add((model, epoch), group);
                return first;
            }

            if (group.Size != size)
            {
                throw new InvalidOperationException(
                    $"Epoch {epoch} of model '{model}' is open with {group.Size} ranks; rank {rank} wants {size}. All must use the same epoch's members.");
            }

            return group.Open(rank);
        }
    }

    private void Forget(string model, long epoch, InProcessCommunicatorGroup released)
    {
        lock (_lock)
        {
            // Another rank may have joined since: its disposal will call again.
            if (!released.InUse && _groups.GetValueOrDefault((model, epoch)) == released)
            {
                _groups.Remove((model, epoch));
            }
        }
    }
}
