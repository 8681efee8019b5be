using Orleans.Runtime.Diagnostics;

namespace MoEActors.Tests.Support;

/// <summary>What Orleans says of the activations of some grains in this process, as it happens.</summary>
internal sealed class ActivationWatch : IObserver<GrainLifecycleEvents.LifecycleEvent>, IDisposable
{
    private readonly Lock _lock = new();
    private readonly List<Entry> _entries = [];
    private readonly Func<GrainId, bool> _meant;
    private readonly IDisposable _subscription;

    /// <summary>Watches the grains that are meant.</summary>
    public ActivationWatch(Func<GrainId, bool> meant)
    {
        _meant = meant;
        _subscription = GrainLifecycleEvents.AllEvents.Subscribe(this);
    }

    /// <summary>What has happened, in order.</summary>
    public Entry[] Entries
    {
        get
        {
            lock (_lock)
            {
                return [.. _entries];
            }
        }
    }

    public void OnNext(GrainLifecycleEvents.LifecycleEvent value)
    {
        IGrainContext context = value.GrainContext;
        if (!_meant(context.GrainId))
        {
            return;
        }

        string? reason = value is GrainLifecycleEvents.Deactivating leaving ? leaving.Reason.ReasonCode.ToString() : null;
        lock (_lock)
        {
            _entries.Add(new Entry(value.GetType().Name.ToLowerInvariant(), context.GrainId, context.Address.SiloAddress!, reason));
        }
    }

    public void OnCompleted()
    {
    }

    public void OnError(Exception error)
    {
    }

    public void Dispose() => _subscription.Dispose();

    /// <summary>Something that happened to an activation.</summary>
    /// <param name="What">created, activated, deactivating or deactivated.</param>
    /// <param name="Grain">The grain.</param>
    /// <param name="Silo">Where it was.</param>
    /// <param name="Reason">Why it is deactivating.</param>
    internal sealed record Entry(string What, GrainId Grain, SiloAddress Silo, string? Reason);
}
