using Microsoft.Extensions.Hosting;
using MoEActors.Client;
using MoEActors.Dashboard.Boards;
using MoEActors.Grains.Interfaces.Training;

namespace MoEActors.Dashboard.Watching;

/// <summary>
/// Follows the cluster: which silos and models there are, and each model by a <see cref="ModelWatch"/>. It is the one thing on a host that asks the cluster, however
/// many look at the page.
/// </summary>
/// <param name="cluster">The cluster.</param>
/// <param name="board">Where it all goes.</param>
internal sealed class ClusterWatch(MoECluster cluster, Board board) : BackgroundService
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(500);

    /// <summary>The list of models is read from the store.</summary>
    private static readonly TimeSpan ListPause = TimeSpan.FromSeconds(2);

    /// <summary>How long silos are shown that are no more.</summary>
    private static readonly TimeSpan DeadShown = TimeSpan.FromMinutes(30);

    private readonly SiloNames _names = new();
    private readonly Dictionary<string, SiloPicture> _silos = [];
    private readonly Dictionary<string, (CancellationTokenSource Ending, Task Watching)> _models = [];
    private volatile string? _problem;

    /// <inheritdoc />
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await Task.WhenAll(
            RepeatAsync(FollowSilosAsync, Pause, stoppingToken), RepeatAsync(FollowModelsAsync, ListPause, stoppingToken),
            cluster.SiloNews is { } news ? FollowNewsAsync(news, stoppingToken) : Task.CompletedTask);
        foreach ((CancellationTokenSource ending, Task watching) in _models.Values)
        {
            await ending.CancelAsync();
            await watching;
            ending.Dispose();
        }
    }

    /// <summary>A cluster without models is about to have one, as a rule.</summary>
    private Task RepeatAsync(Func<CancellationToken, Task> follow, TimeSpan pause, CancellationToken stopping) =>
        Repetition.RunAsync(follow, "The cluster does not answer.", Fail, () => _models.Count == 0 ? Pause : pause, stopping);

    private async Task FollowSilosAsync(CancellationToken cancellation)
    {
        SiloSummary[] silos = await cluster.ListSilosAsync(cancellation);
        DateTimeOffset now = DateTimeOffset.UtcNow;
        lock (_silos)
        {
            Take(silos, now);
        }

        _problem = null;
        PutSilos();
    }

    /// <summary>
    /// In the process of a silo: what it hears of the others is shown at once. Whom others ask may be the silo that is lost, and then nobody answers until that is known.
    /// </summary>
    private async Task FollowNewsAsync(ISiloNews news, CancellationToken stopping)
    {
        try
        {
            await foreach (SiloSighting[] seen in news.ReadAsync(stopping))
            {
                lock (_silos)
                {
                    Take(seen, DateTimeOffset.UtcNow);
                }

                PutSilos();
            }
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
        }
    }

    /// <summary>When one was started is not seen so: one that has just come is shown when it is asked for.</summary>
    private void Take(SiloSighting[] seen, DateTimeOffset now)
    {
        foreach (SiloSighting silo in seen)
        {
            if (_silos.GetValueOrDefault(silo.Name) is { } before && before.Address == silo.Address)
            {
                Enter(before with { State = silo.State }, before, now);
            }
        }
    }

    private void Take(SiloSummary[] silos, DateTimeOffset now)
    {
        foreach (SiloSummary silo in silos)
        {
            _names.Know(silo.Address, silo.Name);
            SiloPicture? before = _silos.GetValueOrDefault(silo.Name);
            if (before is null && silo.State == SiloState.Dead)
            {
                // It was gone before anybody watched.
                continue;
            }

            Enter(new SiloPicture(silo.Name, silo.Address, silo.State, silo.Started, now, WasLeaving: false), before, now);
        }

        foreach (SiloPicture gone in _silos.Values.Where(silo => silo.State == SiloState.Dead && now - silo.Since > DeadShown).ToArray())
        {
            _silos.Remove(gone.Name);
        }
    }

    /// <summary>A silo stands so from now on, unless it did before. One that is dead stays so, whatever an answer says that was on its way.</summary>
    private void Enter(SiloPicture silo, SiloPicture? before, DateTimeOffset now)
    {
        bool isSame = before is not null && before.Address == silo.Address;
        if (!isSame || (before!.State != silo.State && before.State != SiloState.Dead))
        {
            _silos[silo.Name] = silo with { Since = now, WasLeaving = isSame && silo.State == SiloState.Dead && before!.State == SiloState.Leaving };
        }
    }

    private void Fail(string problem)
    {
        _problem = problem;
        PutSilos();
    }

    private void PutSilos()
    {
        lock (_silos)
        {
            board.Cluster.Put(new ClusterPicture([.. _silos.Values.OrderBy(silo => silo.Name, StringComparer.Ordinal)], _problem));
        }
    }

    private async Task FollowModelsAsync(CancellationToken cancellation)
    {
        ModelSummary[] models = await cluster.ListModelsAsync(cancellation);
        foreach (ModelSummary model in models.Where(model => !_models.ContainsKey(model.Name)))
        {
            var ending = new CancellationTokenSource();
            var watch = new ModelWatch(cluster, model.Name, board.Add(model.Name), _names);
            _models.Add(model.Name, (ending, Task.Run(() => watch.RunAsync(ending.Token), CancellationToken.None)));
        }

        foreach (string gone in _models.Keys.Except(models.Select(model => model.Name)).ToArray())
        {
            (CancellationTokenSource ending, Task watching) = _models[gone];
            _models.Remove(gone);
            await ending.CancelAsync();
            await watching;
            ending.Dispose();
            board.Remove(gone);
        }

        board.Models.Put(models);
    }
}
