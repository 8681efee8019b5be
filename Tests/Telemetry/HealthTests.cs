using System.Reflection;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using MoEActors.Client;
using MoEActors.Grains.Telemetry;
using MoEActors.Grains.Training;
using MoEActors.Native.Communication.Tcp;
using MoEActors.Silo.Embedded;
using MoEActors.Silo.Hosting;
using MoEActors.Tests.Support;
using MoEActors.Workers.Host;

namespace MoEActors.Tests.Telemetry;

/// <summary>What the checks of a host say when something is not as it should be. That they are healthy when all is, silos that are processes show.</summary>
public sealed class HealthTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Snapshots_that_are_late_are_told_with_the_run_and_its_steps()
    {
        await using TrainingCluster cluster = await TrainingCluster.RentAsync([1, 1, 1], snapshots: 2);
        string name = cluster["late"];
        MoEModel model = await cluster.Client.CreateModelAsync(name, TrainingRuns.Small, null, Cancellation);
        await model.TrainStepAsync(TrainingRuns.Batch(model.Run, 1), Cancellation);
        EmbeddedSilo silo = cluster.Silos.Silos.Single(one => AgeIn(one) is not null);
        Assert.Equal(1, AgeIn(silo));
        Assert.Equal(HealthStatus.Healthy, (await CheckAsync(interval: 1)).Status);
        HealthCheckResult late = await CheckAsync(interval: 0);
        Assert.Equal(HealthStatus.Degraded, late.Status);
        Assert.Contains($"of model '{name}' 1 steps are in none", late.Description, StringComparison.Ordinal);
        Assert.True((long)late.Data["snapshot_age_steps"] >= 1);

        long? AgeIn(EmbeddedSilo one) => one.Services.GetRequiredService<LiveRuns>().SnapshotAges.FirstOrDefault(run => run.Model == name).SnapshotAge;

        Task<HealthCheckResult> CheckAsync(int interval) =>
            new SnapshotHealth(silo.Services.GetRequiredService<LiveRuns>(), new SnapshotOptions(interval, "")).CheckHealthAsync(new HealthCheckContext(), Cancellation);
    }

    [Theory]
    [InlineData(SiloStatus.Joining, HealthStatus.Degraded)]
    [InlineData(SiloStatus.Active, HealthStatus.Healthy)]
    [InlineData(SiloStatus.ShuttingDown, HealthStatus.Unhealthy)]
    [InlineData(SiloStatus.Dead, HealthStatus.Unhealthy)]
    public async Task A_silo_is_as_healthy_as_membership_says(SiloStatus status, HealthStatus expected)
    {
        await using TrainingCluster cluster = await TrainingCluster.RentAsync(2);
        IServiceProvider services = cluster.Silos.Silos[0].Services;
        ISiloStatusOracle oracle = DispatchProxy.Create<ISiloStatusOracle, Oracle>();
        ((Oracle)(object)oracle).Status = status;
        HealthCheckResult said = await new MoESiloHealth(services.GetRequiredService<ILocalSiloDetails>(), oracle, services.GetRequiredService<WorkerHost>())
            .CheckHealthAsync(new HealthCheckContext(), Cancellation);
        Assert.Equal((expected, status.ToString(), "silo-0"), (said.Status, said.Data["status"], said.Data["silo"]));
    }

    [Fact]
    public async Task A_data_plane_that_does_not_answer_is_unhealthy()
    {
        using var tcp = new TcpCommunicatorProvider();
        var health = new CommunicatorHealth(tcp);
        HealthCheckResult well = await health.CheckHealthAsync(new HealthCheckContext(), Cancellation);
        Assert.Equal((HealthStatus.Healthy, $"{tcp.EndPoint}"), (well.Status, well.Data["data_endpoint"]));

        // Its thread has ended, so that nobody takes up what is asked.
        tcp.Dispose();
        Assert.Equal(HealthStatus.Unhealthy, (await health.CheckHealthAsync(new HealthCheckContext(), Cancellation)).Status);
    }

    /// <summary>Says what it is told to say.</summary>
    public class Oracle : DispatchProxy
    {
        public SiloStatus Status { get; set; }

        protected override object? Invoke(MethodInfo? targetMethod, object?[]? args) => targetMethod!.Name switch
        {
            $"get_{nameof(ISiloStatusOracle.CurrentStatus)}" => Status,
            nameof(ISiloStatusOracle.GetApproximateSiloStatuses) => new Dictionary<SiloAddress, SiloStatus>(),
            _ => throw new NotSupportedException(targetMethod.Name),
        };
    }
}
