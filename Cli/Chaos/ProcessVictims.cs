using MoEActors.Cli.Chaos.Relays;
using MoEActors.Cli.Supervision;
using MoEActors.Client;

namespace MoEActors.Cli.Chaos;

/// <summary>Silos that are processes of a cluster which is started for this, and which its supervisor starts again when they die.</summary>
internal sealed class ProcessVictims : IVictims
{
    /// <summary>What a forgetful store forgets.</summary>
    private static readonly TimeSpan Forgotten = TimeSpan.FromSeconds(1);

    private readonly CancellationTokenSource _ending = new();
    private readonly string _store;
    private readonly ClusterSupervisor _supervisor;
    private readonly ChaosLog _log;
    private readonly SiloRelays _relays;
    private readonly Task _supervising;
    private MoECluster? _client;
    private bool _isDisposed;

    private ProcessVictims(ClusterFolder folder, ClusterPlan plan, bool withRelays)
    {
        (Count, _store) = (plan.Silos, folder.Store);
        _log = new ChaosLog(folder.Log);
        _relays = new SiloRelays(silo => _supervisor?.Silos[silo].Child?.Id, plan.Silos);
        _supervisor = new ClusterSupervisor(folder, withRelays ? plan with { More = _relays.Before } : plan, _log.Write);
        _supervising = _supervisor.RunAsync(_ending.Token);
    }

    /// <inheritdoc />
    public MoECluster Client => _client!;

    /// <inheritdoc />
    public int Count { get; }

    /// <summary>The number of a silo's process.</summary>
    public int ProcessOf(int silo) => _supervisor.Silos[silo].Child!.Id;

    /// <inheritdoc />
    public long StepsRepeated => _log.StepsRepeated;

    /// <inheritdoc />
    public TimeSpan Recovery => TimeSpan.FromSeconds(3);

    /// <summary>Starts a store and silos, and waits until all are up.</summary>
    /// <param name="folder">Keeps what they need; what is there of an earlier one is deleted.</param>
    /// <param name="plan">What the cluster is like.</param>
    /// <param name="withRelays">Whether there are relays before its silos, by which they can be made silent.</param>
    /// <param name="cancellation">Ends it.</param>
    /// <exception cref="UsageException">The folder is in use.</exception>
    /// <exception cref="ChildFailedException">A process cannot run.</exception>
    public static async Task<ProcessVictims> StartAsync(ClusterFolder folder, ClusterPlan plan, bool withRelays, CancellationToken cancellation)
    {
        folder.Clear();
        var victims = new ProcessVictims(folder, plan, withRelays);
        try
        {
            await await Task.WhenAny(victims._supervisor.AllUp.WaitAsync(cancellation), victims._supervising);
            victims._client = await MoECluster.ConnectAsync(folder.Connection()!, cancellationToken: cancellation);
            return victims;
        }
        catch
        {
            await victims.DisposeAsync();
            throw;
        }
    }

    /// <inheritdoc />
    public Task Ended => _supervising;

    /// <inheritdoc />
    public Task<int?> HomeAsync(string model) => Task.FromResult(_log.Home is { } name ? IndexOf(name) : null);

    /// <inheritdoc />
    public Task KillAsync(IReadOnlyList<int> silos, CancellationToken cancellation)
    {
        foreach (int silo in silos)
        {
            _supervisor.Silos[silo].Child?.Kill();
        }

        return Task.CompletedTask;
    }

    /// <inheritdoc />
    public void Freeze(int silo) => Signal(silo, ProcessSignal.Freeze);

    /// <inheritdoc />
    public void Thaw(int silo) => Signal(silo, ProcessSignal.Thaw);

    /// <inheritdoc />
    public void Silence(int silo, bool fastPathOnly) => _relays.Silence(silo, fastPathOnly);

    /// <inheritdoc />
    public void Cut(int silo, int other) => _relays.Cut(silo, other);

    /// <inheritdoc />
    public void Heal() => _relays.Heal();

    /// <inheritdoc />
    public async Task KillStoreAsync(StoreLoss loss, Action aboutTo, CancellationToken cancellation)
    {
        SupervisedChild store = _supervisor.Store!.Child!;
        RedisFile? file = loss == StoreLoss.Nothing ? null : RedisFile.In(_store);
        if (loss == StoreLoss.Tail)
        {
            file!.Remember();
            await Task.Delay(Forgotten, cancellation);
        }

        aboutTo();
        store.Kill(andItsOwn: true);
        if (file is not null)
        {
            // Its supervisor starts it again a moment later.
            await store.Ended;
            file.Lose(loss);
        }
    }

    /// <inheritdoc />
    public Task ReviveAsync(IReadOnlyList<int> silos, CancellationToken cancellation) => Task.CompletedTask;

    /// <inheritdoc />
    public async ValueTask DisposeAsync()
    {
        if (_isDisposed)
        {
            return;
        }

        _isDisposed = true;
        if (_client is not null)
        {
            await _client.DisposeAsync();
        }

        // Nothing of the cluster is needed any more: nobody waits for it to leave in order.
        await _ending.CancelAsync();
        foreach (ChildKeeper silo in _supervisor.Silos)
        {
            silo.Child?.Kill();
        }

        await _supervising.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _relays.Dispose();
        _log.Dispose();
        _ending.Dispose();
    }

    private void Signal(int silo, Action<SupervisedChild> signal)
    {
        if (_supervisor.Silos[silo].Child is { } child)
        {
            signal(child);
        }
    }

    private int? IndexOf(string name)
    {
        for (int index = 0; index < _supervisor.Silos.Count; index++)
        {
            if (_supervisor.Silos[index].Name == name)
            {
                return index;
            }
        }

        return null;
    }
}
