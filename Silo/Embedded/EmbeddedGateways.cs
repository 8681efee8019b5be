using System.Net;
using Orleans.Messaging;

namespace MoEActors.Silo.Embedded;

/// <summary>Lists for a client where the active silos of a cluster inside this process listen.</summary>
public sealed class EmbeddedGateways(EmbeddedMembershipTable table) : IGatewayListProvider
{
    /// <inheritdoc/>
    public TimeSpan MaxStaleness { get; } = TimeSpan.FromMilliseconds(200);

    /// <inheritdoc/>
    [Obsolete("Orleans does not ask any more.")]
    public bool IsUpdatable => true;

    /// <inheritdoc/>
    public Task InitializeGatewayListProvider() => Task.CompletedTask;

    /// <inheritdoc/>
    public async Task<IList<Uri>> GetGateways()
    {
        MembershipTableData data = await table.ReadAll();
        return
        [
            .. data.Members.Select(member => member.Item1)
                .Where(entry => entry is { Status: SiloStatus.Active, ProxyPort: > 0 })
                .Select(entry => SiloAddress.New(
                    new IPEndPoint(entry.SiloAddress.Endpoint.Address, entry.ProxyPort), entry.SiloAddress.Generation).ToGatewayUri()),
        ];
    }
}
