using System.Collections.Immutable;

namespace Orleans.Runtime;

/// <summary>The silos of a cluster, dead ones included.</summary>
internal sealed class ClusterMembership
{
    private readonly Lock _gate = new();
    private ImmutableSortedDictionary<SiloAddress, Silo> _silos = ImmutableSortedDictionary<SiloAddress, Silo>.Empty;
    private SiloAddress[] _active = [];

    public SiloAddress[] ActiveAddresses => [.. Volatile.Read(ref _active)];

    public Silo? Find(SiloAddress address) => _silos.GetValueOrDefault(address);

    public SiloStatus StatusOf(SiloAddress address) => Find(address)?.Status ?? SiloStatus.None;

    public Dictionary<SiloAddress, SiloStatus> Statuses(bool onlyActive) => _silos
        .Where(pair => !onlyActive || pair.Value.Status is SiloStatus.Active)
        .ToDictionary(pair => pair.Key, pair => pair.Value.Status);

    public Silo? FirstActive()
    {
        SiloAddress[] active = Volatile.Read(ref _active);
        return active.Length == 0 ? null : Find(active[0]);
    }

    public void Add(Silo silo)
    {
        lock (_gate)
        {
            _silos = _silos.Add(silo.SiloAddress, silo);
        }
    }

    /// <summary>Changes a status, unless the silo is dead already, and tells every silo that lives.</summary>
    public bool Set(Silo silo, SiloStatus status)
    {
        lock (_gate)
        {
            if (silo.Status is SiloStatus.Dead || silo.Status == status)
            {
                return false;
            }

            silo.Status = status;
            _active = [.. _silos.Values.Where(one => one.Status is SiloStatus.Active).Select(one => one.SiloAddress)];
            foreach (Silo one in _silos.Values.Where(one => one.IsAlive))
            {
                one.Oracle.Tell(silo.SiloAddress, status);
            }

            return true;
        }
    }
}
