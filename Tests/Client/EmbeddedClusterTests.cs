using MoEActors.Grains.Interfaces.Training;
using MoEActors.Grains.Pinning;
using MoEActors.Grains.Protocol;
using MoEActors.Modules.Gates;
using MoEActors.Modules.Timing;
using MoEActors.Placement.Costs;
using MoEActors.Placement.Map;
using MoEActors.Silo.Embedded;
using MoEActors.Workers.Commands;
using MoEActors.Workers.Estimation;
using MoEActors.Workers.Exchange;
using MoEActors.Workers.Host;
using MoEActors.Workers.Memory;
using MoEActors.Workers.Shards;
using MoEActors.Workers.Training;

namespace MoEActors.Tests.Client;

public sealed class EmbeddedClusterTests
{
    public static TheoryData<string, EmbeddedClusterOptions> Impossible => new()
    {
        { "Silos", new() { Silos = 0 } },
        { "DevicesPerSilo", new() { DevicesPerSilo = 0 } },
        { "ThreadsPerWorker", new() { ThreadsPerWorker = -1 } },
        { "MemoryPerWorker", new() { MemoryPerWorker = 0 } },
    };

    [Theory]
    [MemberData(nameof(Impossible), DisableDiscoveryEnumeration = true)]
    public async Task An_option_that_cannot_work_is_named(string name, EmbeddedClusterOptions options)
    {
        ArgumentOutOfRangeException refused = await Assert.ThrowsAsync<ArgumentOutOfRangeException>(
            () => EmbeddedCluster.StartAsync(options, TestContext.Current.CancellationToken));
        Assert.Equal($"options.{name}", refused.ParamName);
    }
}
