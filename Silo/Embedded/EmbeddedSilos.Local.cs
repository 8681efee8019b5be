namespace MoEActors.Silo.Embedded;

/// <summary>On the embedded actor runtime.</summary>
public sealed partial class EmbeddedSilos
{
    /// <summary>The actor runtime that this was built with.</summary>
    public const string RuntimeName = "local";

    private LocalCluster? _cluster;

    /// <summary>Calls grains from outside of the silos; no silo's death takes it away.</summary>
    public IClusterClient Client => Cluster.Client;

    private LocalCluster Cluster => LazyInitializer.EnsureInitialized(
        ref _cluster, () => new LocalCluster(_options.Local with { ClientResponseTimeout = _options.ClientResponseTimeout }));

    private void Join(ISiloBuilder silo, int index) => silo.UseLocalCluster(Cluster, EmbeddedSilo.NameOf(index));

    private void Crash(EmbeddedSilo silo) => Cluster.KillSilo(silo.Address);

    private Task ConnectClientAsync(CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        _ = Client;
        return Task.CompletedTask;
    }

    private static Task DisconnectClientAsync() => Task.CompletedTask;
}
