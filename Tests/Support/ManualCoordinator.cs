using MoEActors.Grains.Durability;
using MoEActors.Grains.Interfaces.Training;
using MoEActors.Grains.Training;
using MoEActors.Modules.Models;
using MoEActors.Workers.Commands;
using MoEActors.Workers.Host;

namespace MoEActors.Tests.Support;

/// <summary>A coordinator whose every command the test gives: it has taken the next term of a model and speaks to worker hosts directly.</summary>
internal sealed class ManualCoordinator
{
    private readonly TrainingCluster _cluster;
    private readonly string _model;
    private readonly CoordinatorTerm _term;

    private ManualCoordinator(TrainingCluster cluster, string model, CoordinatorTerm term)
    {
        _cluster = cluster;
        _model = model;
        _term = term;
    }

    public long Term => _term.Number;

    private RunConfiguration Run => _term.Record.Configuration;

    private string[] Silos => [.. _term.Record.Map!.Workers.Select(worker => worker.Silo)];

    public static async Task<ManualCoordinator> TakeAsync(TrainingCluster cluster, string model)
    {
        CoordinatorTerm term = (await CoordinatorTerm.TakeAsync(cluster.Store, model, () => Task.FromResult(0L), TestContext.Current.CancellationToken))!;
        foreach (Silo.Embedded.EmbeddedSilo silo in cluster.Silos.Silos)
        {
            await cluster.Host(silo.Index).GetInventoryAsync(model, term.Number);
        }

        return new ManualCoordinator(cluster, model, term);
    }

    public CommandHeader Head(long number, long? term = null, long? view = null) => new(_model, term ?? Term, view ?? _term.Record.View, number);

    public PrepareCommand Prepare(long step, WorkerHost host)
    {
        IReadOnlyList<MicroBatch> batch = TrainingRuns.Batch(Run, step);
        PlacedMicroBatch[] mine =
            [.. batch.Select((one, index) => new PlacedMicroBatch(index, one)).Where(placed => Silos[placed.Index % Silos.Length] == host.Silo)];
        return new PrepareCommand(StepShare.Of(step, batch) with { Batches = mine });
    }

    /// <summary>Gives a command to all hosts and waits until all have done it.</summary>
    public async Task EverywhereAsync(long number, Func<WorkerHost, Command> command)
    {
        WorkerHost[] hosts = [.. _cluster.Silos.Silos.Select(silo => _cluster.Host(silo.Index)).Where(host => Silos.Contains(host.Silo))];
        Array.ForEach(hosts, host => host.Submit(Head(number), command(host)));
        foreach (WorkerHost host in hosts)
        {
            HostReport? report = await host.PollAsync(_model, Term, number, TimeSpan.FromSeconds(20));
            Assert.NotNull(report);
            Assert.Null(report.Failure);
        }
    }

    /// <summary>Writes that a step is committed, as a coordinator does before it tells anybody.</summary>
    public Task DecideAsync(long step) => _term.WriteAsync(_term.Record with
    {
        Step = step,
        LastOutcomes =
        [
            new StepOutcome
            {
                Step = step,
                Loss = 1,
                CrossEntropy = 1,
                Auxiliary = 0,
                GradientNorm = 1,
                LearningRate = 1,
                Tokens = 1,
                Seconds = 1,
                KeptTokens = [],
                ChosenTokens = [],
                ExecutorAllocatedBytes = 0,
                BatchDigest = BatchDigest.Of(new StepRequest(step, [.. TrainingRuns.Batch(Run, step)])),
            },
        ],
    });
}
