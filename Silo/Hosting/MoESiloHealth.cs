using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using MoEActors.Workers.Host;

namespace MoEActors.Silo.Hosting;

/// <summary>Adds the health of a host's silo to its health checks.</summary>
public static class MoEHealthChecks
{
    /// <summary>
    /// Adds the check <c>moe-silo</c>: healthy while the silo is active in its cluster, degraded while it joins, unhealthy while it leaves and when others
    /// have declared it dead. Its data say the silo's name and address, its devices' bytes, and who else is in the cluster.
    /// </summary>
    public static IHealthChecksBuilder AddMoESilo(this IHealthChecksBuilder checks) => checks.AddCheck<MoESiloHealth>("moe-silo");
}

/// <summary>What a host can say of its silo.</summary>
internal sealed class MoESiloHealth(ILocalSiloDetails silo, ISiloStatusOracle cluster, WorkerHost host) : IHealthCheck
{
    /// <inheritdoc />
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        SiloStatus status = cluster.CurrentStatus;
        var data = new Dictionary<string, object>
        {
            ["silo"] = silo.Name,
            ["address"] = silo.SiloAddress.ToParsableString(),
            ["status"] = status.ToString(),
            ["allocated_bytes"] = host.AllocatedBytes,
            ["active_silos"] = cluster.GetApproximateSiloStatuses(onlyActive: true).Count,
        };
        return Task.FromResult(status switch
        {
            SiloStatus.Active => HealthCheckResult.Healthy("The silo is active.", data),
            SiloStatus.None or SiloStatus.Created or SiloStatus.Joining => HealthCheckResult.Degraded("The silo joins its cluster.", data: data),
            _ => HealthCheckResult.Unhealthy($"The silo is leaving its cluster or has left it: {status}.", data: data),
        });
    }
}
