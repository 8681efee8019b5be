using System.Globalization;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using MoEActors.Grains.Telemetry;
using MoEActors.Grains.Training;
using MoEActors.Native.Communication;
using MoEActors.Native.Communication.Security;
using MoEActors.Native.Communication.Tcp;
using MoEActors.Native.Nccl;
using MoEActors.Workers.Host;

namespace MoEActors.Silo.Hosting;

/// <summary>Adds the health of a host's silo to its health checks.</summary>
public static class MoEHealthChecks
{
    /// <summary>Tag of the checks that say whether the silo can do its part: one that cannot should be started anew.</summary>
    public const string Member = "moe-member";

    /// <summary>
    /// Adds four checks. <c>moe-silo</c> is healthy while the silo is active in its cluster, degraded while it joins, unhealthy while it leaves and when others have declared
    /// it dead; its data say the silo's name and address, the bytes of its devices and of the process's managed heap after the last collection, how many connections the
    /// process has refused, and who else is in the cluster. <c>moe-device</c> is unhealthy when a device is lost, <c>moe-communicator</c> when the data plane does not answer;
    /// these three have the tag <see cref="Member"/>. <c>moe-snapshots</c> is degraded when a run that is coordinated here has been without a
    /// new snapshot for three times as many steps as there should be.
    /// </summary>
    public static IHealthChecksBuilder AddMoESilo(this IHealthChecksBuilder checks) => checks
        .AddCheck<MoESiloHealth>("moe-silo", tags: [Member])
        .AddCheck<DeviceHealth>("moe-device", tags: [Member])
        .AddCheck<CommunicatorHealth>("moe-communicator", tags: [Member])
        .AddCheck<SnapshotHealth>("moe-snapshots");
}

/// <summary>What a host can say of its silo.</summary>
internal sealed class MoESiloHealth(ILocalSiloDetails silo, ISiloStatusOracle cluster, WorkerHost host) : IHealthCheck
{
    /// <inheritdoc />
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        SiloStatus status = cluster.CurrentStatus;
        GCMemoryInfo heap = GC.GetGCMemoryInfo(GCKind.Any);
        var data = new Dictionary<string, object>
        {
            ["silo"] = silo.Name,
            ["address"] = silo.SiloAddress.ToParsableString(),
            ["status"] = status.ToString(),
            ["allocated_bytes"] = host.AllocatedBytes,
            ["heap_bytes"] = heap.HeapSizeBytes,
            ["committed_bytes"] = heap.TotalCommittedBytes,
            ["refused_connections"] = ConnectionRefusals.OfProcess,
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

/// <summary>Whether the silo's devices can compute.</summary>
internal sealed class DeviceHealth(WorkerHost host) : IHealthCheck
{
    /// <inheritdoc />
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        var data = new Dictionary<string, object> { ["device"] = host.Kind, ["allocated_bytes"] = host.AllocatedBytes };
        return Task.FromResult(host.DeviceLost.IsCompletedSuccessfully
            ? HealthCheckResult.Unhealthy($"A device is lost: {host.DeviceLost.Result.Message}", data: data)
            : HealthCheckResult.Healthy("The devices compute.", data));
    }
}

/// <summary>Whether the silo's part of the data plane answers.</summary>
internal sealed class CommunicatorHealth(ICommunicatorProvider communicators) : IHealthCheck
{
    /// <summary>The thread never waits for anything but sockets.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);

    /// <inheritdoc />
    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        TcpCommunicatorProvider? tcp = communicators is NcclCommunicatorProvider gpus ? gpus.Control : communicators as TcpCommunicatorProvider;
        if (tcp is null)
        {
            return HealthCheckResult.Healthy("Rows do not leave the process.");
        }

        var data = new Dictionary<string, object> { ["data_endpoint"] = tcp.EndPoint.ToString()!, ["data_peers_lost"] = tcp.Counters.PeersLost };
        Task round = tcp.ComeRoundAsync();
        return await Task.WhenAny(round, Task.Delay(Patience, cancellationToken)) == round
            ? HealthCheckResult.Healthy("The data plane answers.", data)
            : HealthCheckResult.Unhealthy(string.Create(CultureInfo.InvariantCulture, $"The data plane has not answered for {Patience.TotalSeconds} s."), data: data);
    }
}

/// <summary>Whether the runs that are coordinated here have the snapshots that they should have.</summary>
internal sealed class SnapshotHealth(LiveRuns runs, SnapshotOptions options) : IHealthCheck
{
    /// <summary>Snapshots in a row that may be late.</summary>
    private const int Patience = 3;

    /// <inheritdoc />
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        (string Model, long? Age)[] all = [.. runs.SnapshotAges];
        var data = new Dictionary<string, object> { ["snapshot_age_steps"] = all.Max(run => run.Age) ?? 0 };
        (string Model, long? Age)[] late = [.. all.Where(run => run.Age > (long)Patience * options.Interval)];
        return Task.FromResult(late.Length == 0
            ? HealthCheckResult.Healthy("Snapshots are as they should be.", data)
            : HealthCheckResult.Degraded(
                "The log says why there is no newer snapshot: " + string.Join(", ", late.Select(run => string.Create(
                    CultureInfo.InvariantCulture, $"of model '{run.Model}' {run.Age} steps are in none"))) + ".",
                data: data));
    }
}
