using MoEActors.Silo.Embedded;

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
