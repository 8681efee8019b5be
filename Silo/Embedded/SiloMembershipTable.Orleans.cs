namespace MoEActors.Silo.Embedded;

/// <summary>
/// One silo's way to the shared table. A silo that crashes is cut off first, so that it cannot announce its own end and the others have
/// to find out.
/// </summary>
internal sealed class SiloMembershipTable(EmbeddedMembershipTable table) : IMembershipTable
{
    private volatile bool _isCutOff;

    public void CutOff() => _isCutOff = true;

    public Task InitializeMembershipTable(bool tryInitTableVersion) => table.InitializeMembershipTable(tryInitTableVersion);

    public Task DeleteMembershipTableEntries(string clusterId) => Task.CompletedTask;

    public Task CleanupDefunctSiloEntries(DateTimeOffset beforeDate) => table.CleanupDefunctSiloEntries(beforeDate);

    public Task<MembershipTableData> ReadRow(SiloAddress key) => table.ReadRow(key);

    public Task<MembershipTableData> ReadAll() => table.ReadAll();

    public Task<bool> InsertRow(MembershipEntry entry, TableVersion tableVersion) =>
        _isCutOff ? Task.FromResult(true) : table.InsertRow(entry, tableVersion);

    public Task<bool> UpdateRow(MembershipEntry entry, string etag, TableVersion tableVersion) =>
        _isCutOff ? Task.FromResult(true) : table.UpdateRow(entry, etag, tableVersion);

    public Task UpdateIAmAlive(MembershipEntry entry) => _isCutOff ? Task.CompletedTask : table.UpdateIAmAlive(entry);
}
