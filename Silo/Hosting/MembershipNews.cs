using System.Runtime.CompilerServices;
using MoEActors.Client;

namespace MoEActors.Silo.Hosting;

/// <summary>What membership tells this silo of the others.</summary>
internal sealed class MembershipNews(IClusterMembershipService membership) : ISiloNews
{
    /// <inheritdoc />
    public async IAsyncEnumerable<SiloSighting[]> ReadAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await foreach (ClusterMembershipSnapshot snapshot in membership.MembershipUpdates.WithCancellation(cancellationToken))
        {
            yield return [.. snapshot.Members.Values.Select(member => new SiloSighting(member.Name, member.SiloAddress.ToParsableString(), SiloSummary.StateOf(member.Status)))];
        }
    }
}
