using MoEActors.Client;
using MoEActors.Client.Connections;

namespace MoEActors.Tests.Client;

public sealed partial class ConnectionTests
{
    [Fact]
    public async Task The_embedded_runtime_says_that_it_connects_to_nobody_and_what_to_do()
    {
        NotSupportedException refused = await Assert.ThrowsAsync<NotSupportedException>(
            () => MoECluster.ConnectAsync(new ConnectOptions { Redis = "redis.example:6379" }, cancellationToken: Cancellation));
        Assert.Contains("redis.example:6379", refused.Message, StringComparison.Ordinal);
        Assert.Contains("ActorRuntime=Orleans", refused.Message, StringComparison.Ordinal);
        Assert.Contains("EmbeddedCluster", refused.Message, StringComparison.Ordinal);
    }
}
