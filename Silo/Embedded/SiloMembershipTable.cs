namespace MoEActors.Silo.Embedded;

/// <summary>
/// One silo's way to the shared table. A silo that crashes is left alone with a copy: it can neither announce its own end, so that the
/// others have to find out, nor learn that they did, upon which Orleans would end the process.
/// </summary>
internal sealed class SiloMembershipTable(EmbeddedMembershipTable shared) : IMembershipTable
{
    private volatile EmbeddedMembershipTable _table = shared;

    public void CutOff() => _table = _table.Copy();

    public Task InitializeMembershipTable(bool tryInitTableVersion) => _table.InitializeMembershipTable(tryInitTableVersion);

    public Task DeleteMembershipTableEntries(string clusterId) => _table.DeleteMembershipTableEntries(clusterId);

    public Task CleanupDefunctSiloEntries(DateTimeOffset beforeDate) => _table.CleanupDefunctSiloEntries(beforeDate);

    public Task<MembershipTableData> ReadRow(SiloAddress key) => _table.ReadRow(key);

    public Task<MembershipTableData> ReadAll() => _table.ReadAll();

    public Task<bool> InsertRow(MembershipEntry entry, TableVersion tableVersion) => _table.InsertRow(entry, tableVersion);

    public Task<bool> UpdateRow(MembershipEntry entry, string etag, TableVersion tableVersion) => _table.UpdateRow(entry, etag, tableVersion);

    public Task UpdateIAmAlive(MembershipEntry entry) => _table.UpdateIAmAlive(entry);
}
