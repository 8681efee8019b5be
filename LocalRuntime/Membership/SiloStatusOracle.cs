namespace Orleans.Runtime;

/// <summary>
/// A silo's view of the cluster. Listeners are told in order, one change at a time, on a pool thread. As with Orleans they are held
/// weakly: a listener that nobody else holds falls silent.
/// </summary>
internal sealed class SiloStatusOracle(Silo silo) : ISiloStatusOracle
{
    private readonly Lock _gate = new();
    private readonly List<WeakReference<ISiloStatusListener>> _listeners = [];
    private Task _told = Task.CompletedTask;

    public SiloStatus CurrentStatus => silo.Status;

    public string SiloName => silo.Name;

    public SiloAddress SiloAddress => silo.SiloAddress;

    public SiloAddress[] GetActiveSilos() => silo.Cluster.Membership.ActiveAddresses;

    public SiloStatus GetApproximateSiloStatus(SiloAddress siloAddress) => silo.Cluster.Membership.StatusOf(siloAddress);

    public Dictionary<SiloAddress, SiloStatus> GetApproximateSiloStatuses(bool onlyActive = false) =>
        silo.Cluster.Membership.Statuses(onlyActive);

    public bool TryGetSiloName(SiloAddress siloAddress, out string? siloName) =>
        (siloName = silo.Cluster.Membership.Find(siloAddress)?.Name) is not null;

    public bool IsDeadSilo(SiloAddress silo) => GetApproximateSiloStatus(silo) is SiloStatus.Dead;

    public bool SubscribeToSiloStatusEvents(ISiloStatusListener observer)
    {
        lock (_gate)
        {
            if (IndexOf(observer) >= 0)
            {
                return false;
            }

            _listeners.Add(new WeakReference<ISiloStatusListener>(observer));
            return true;
        }
    }

    public bool UnSubscribeFromSiloStatusEvents(ISiloStatusListener observer)
    {
        lock (_gate)
        {
            int index = IndexOf(observer);
            if (index >= 0)
            {
                _listeners.RemoveAt(index);
            }

            return index >= 0;
        }
    }

    public void Tell(SiloAddress address, SiloStatus status)
    {
        lock (_gate)
        {
            using (ExecutionContext.SuppressFlow())
            {
                _told = _told.ContinueWith(
                    _ => TellNow(address, status), CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
            }
        }
    }

    private void TellNow(SiloAddress address, SiloStatus status)
    {
        ISiloStatusListener[] listeners;
        lock (_gate)
        {
            _listeners.RemoveAll(listener => !listener.TryGetTarget(out _));
            listeners = [.. _listeners.Select(listener => listener.TryGetTarget(out ISiloStatusListener? target) ? target : null).OfType<ISiloStatusListener>()];
        }

        foreach (ISiloStatusListener listener in listeners)
        {
            try
            {
                listener.SiloStatusChangeNotification(address, status);
            }
            catch (Exception exception)
            {
                RuntimeLog.ListenerFailed(silo.Logger, exception, listener, address, status);
            }
        }
    }

    private int IndexOf(ISiloStatusListener observer) =>
        _listeners.FindIndex(listener => listener.TryGetTarget(out ISiloStatusListener? target) && ReferenceEquals(target, observer));
}
