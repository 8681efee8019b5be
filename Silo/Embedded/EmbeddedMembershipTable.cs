using System.Globalization;

namespace MoEActors.Silo.Embedded;

/// <summary>The membership table of a cluster inside this process.</summary>
public sealed class EmbeddedMembershipTable : IMembershipTable
{
    private readonly Lock _lock = new();
    private readonly Dictionary<SiloAddress, (MembershipEntry Entry, string Tag)> _rows = [];
    private TableVersion _version = new(0, "0");
    private long _lastTag;

    /// <inheritdoc/>
    public Task InitializeMembershipTable(bool tryInitTableVersion) => Task.CompletedTask;

    /// <inheritdoc/>
    public Task DeleteMembershipTableEntries(string clusterId)
    {
        lock (_lock)
        {
            _rows.Clear();
        }

        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public Task CleanupDefunctSiloEntries(DateTimeOffset beforeDate)
    {
        lock (_lock)
        {
            foreach ((SiloAddress silo, (MembershipEntry entry, _)) in _rows)
            {
                if (entry.Status is SiloStatus.Dead && entry.IAmAliveTime < beforeDate.UtcDateTime)
                {
                    _rows.Remove(silo);
                }
            }
        }

        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public Task<MembershipTableData> ReadRow(SiloAddress key)
    {
        lock (_lock)
        {
            return Task.FromResult(_rows.TryGetValue(key, out var row)
                ? new MembershipTableData(Copy(row), _version)
                : new MembershipTableData(_version));
        }
    }

    /// <inheritdoc/>
    public Task<MembershipTableData> ReadAll()
    {
        lock (_lock)
        {
            return Task.FromResult(new MembershipTableData([.. _rows.Values.Select(Copy)], _version));
        }
    }

    /// <inheritdoc/>
    public Task<bool> InsertRow(MembershipEntry entry, TableVersion tableVersion)
    {
        lock (_lock)
        {
            return Task.FromResult(!_rows.ContainsKey(entry.SiloAddress) && Write(entry, tableVersion));
        }
    }

    /// <inheritdoc/>
    public Task<bool> UpdateRow(MembershipEntry entry, string etag, TableVersion tableVersion)
    {
        lock (_lock)
        {
            return Task.FromResult(
                _rows.TryGetValue(entry.SiloAddress, out var row) && row.Tag == etag && Write(entry, tableVersion));
        }
    }

    /// <inheritdoc/>
    public Task UpdateIAmAlive(MembershipEntry entry)
    {
        lock (_lock)
        {
            if (_rows.TryGetValue(entry.SiloAddress, out var row))
            {
                row.Entry.IAmAliveTime = entry.IAmAliveTime;
            }
        }

        return Task.CompletedTask;
    }

    internal EmbeddedMembershipTable Copy()
    {
        lock (_lock)
        {
            var copy = new EmbeddedMembershipTable { _version = _version, _lastTag = _lastTag };
            foreach ((SiloAddress silo, (MembershipEntry entry, string tag)) in _rows)
            {
                copy._rows[silo] = (Copy(entry), tag);
            }

            return copy;
        }
    }

    private static Tuple<MembershipEntry, string> Copy((MembershipEntry Entry, string Tag) row) => Tuple.Create(Copy(row.Entry), row.Tag);

    private static MembershipEntry Copy(MembershipEntry entry) => new()
    {
        SiloAddress = entry.SiloAddress,
        Status = entry.Status,
        SuspectTimes = entry.SuspectTimes is null ? null : [.. entry.SuspectTimes],
        ProxyPort = entry.ProxyPort,
        HostName = entry.HostName,
        SiloName = entry.SiloName,
        RoleName = entry.RoleName,
        UpdateZone = entry.UpdateZone,
        FaultZone = entry.FaultZone,
        StartTime = entry.StartTime,
        IAmAliveTime = entry.IAmAliveTime,
    };

    private bool Write(MembershipEntry entry, TableVersion next)
    {
        if (next.VersionEtag != _version.VersionEtag)
        {
            return false;
        }

        string tag = (++_lastTag).ToString(CultureInfo.InvariantCulture);
        _rows[entry.SiloAddress] = (Copy(entry), tag);
        _version = new TableVersion(next.Version, tag);
        return true;
    }
}
