using System.Diagnostics.Metrics;
using MoEActors.Client;
using MoEActors.Grains.Interfaces.Training;
using MoEActors.Silo.Embedded;

namespace MoEActors.Cli.Chaos;

/// <summary>Silos of this process.</summary>
internal sealed class EmbeddedVictims : IVictims
{
    private readonly EmbeddedCluster _cluster;
    private readonly MeterListener _listener = new();
    private long _repeated;

    private EmbeddedVictims(EmbeddedCluster cluster, int count)
    {
        (_cluster, Count) = (cluster, count);
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (instrument is { Meter.Name: "MoEActors", Name: "moe.recovery.steps" })
            {
                listener.EnableMeasurementEvents(instrument);
            }
        };
        _listener.SetMeasurementEventCallback<long>((_, steps, _, _) => Interlocked.Add(ref _repeated, steps));
        _listener.Start();
    }

    /// <inheritdoc />
    public MoECluster Client => _cluster.Client;

    /// <inheritdoc />
    public int Count { get; }

    /// <inheritdoc />
    public long StepsRepeated => Interlocked.Read(ref _repeated);

    /// <inheritdoc />
    public TimeSpan Recovery => TimeSpan.FromSeconds(1);

    /// <inheritdoc />
    public Task Ended { get; } = new TaskCompletionSource().Task;

    /// <summary>Starts the silos.</summary>
    public static async Task<EmbeddedVictims> StartAsync(int silos, int interval, CancellationToken cancellation) =>
        new(await EmbeddedCluster.StartAsync(new EmbeddedClusterOptions { Silos = silos, SnapshotInterval = interval }, cancellation), silos);

    /// <inheritdoc />
    public async Task<int?> HomeAsync(string model)
    {
        SiloAddress? home = await _cluster.Silos.Client.GetGrain<IManagementGrain>(0)
            .GetActivationAddress(_cluster.Silos.Client.GetGrain<ITrainingGrain>(model));
        return _cluster.Silos.Silos.FirstOrDefault(silo => silo.Address.Equals(home))?.Index;
    }

    /// <inheritdoc />
    public Task KillAsync(IReadOnlyList<int> silos, CancellationToken cancellation) =>
        _cluster.Silos.KillAsync([.. _cluster.Silos.Silos.Where(silo => silos.Contains(silo.Index))], cancellation);

    /// <inheritdoc />
    public void Freeze(int silo) => throw NoProcess();

    /// <inheritdoc />
    public void Thaw(int silo) => throw NoProcess();

    /// <inheritdoc />
    public void Silence(int silo, bool fastPathOnly) => throw NoProcess();

    /// <inheritdoc />
    public void Cut(int silo, int other) => throw NoProcess();

    /// <inheritdoc />
    public void Heal() => throw NoProcess();

    /// <inheritdoc />
    public Task ReviveAsync(IReadOnlyList<int> silos, CancellationToken cancellation) =>
        Task.WhenAll(silos.Select(silo => _cluster.Silos.RestartAsync(silo, cancellation)));

    /// <inheritdoc />
    public Task KillStoreAsync(StoreLoss loss, Action aboutTo, CancellationToken cancellation) => throw NoProcess();

    private static NotSupportedException NoProcess() => new("Silos of this process can only be killed.");

    /// <inheritdoc />
    public async ValueTask DisposeAsync()
    {
        _listener.Dispose();
        await _cluster.DisposeAsync();
    }
}
