namespace MoEActors.Client.Connections;

/// <summary>On the embedded runtime: a cluster lives in one process, and nobody connects to it from another.</summary>
internal sealed class ClusterConnection : IAsyncDisposable
{
    private ClusterConnection(IGrainFactory grains) => Grains = grains;

    /// <summary>Reaches the cluster's grains.</summary>
    public IGrainFactory Grains { get; }

    /// <summary>Refuses.</summary>
    /// <exception cref="NotSupportedException">Always.</exception>
    public static Task<ClusterConnection> OpenAsync(ConnectOptions options, CancellationToken cancellationToken) => throw new NotSupportedException(
        $"This program was built on the embedded actor runtime, whose clusters live in one process: it cannot connect to the one at '{options.Redis}'. "
        + "Build on Orleans (ActorRuntime=Orleans), or start a cluster inside of this process (EmbeddedCluster.StartAsync).");

    /// <inheritdoc />
    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
