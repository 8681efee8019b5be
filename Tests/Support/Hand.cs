using MoEActors.Grains.Interfaces.Gates;
using MoEActors.Grains.Interfaces.Training;
using MoEActors.Grains.Interfaces.Workers;
using MoEActors.Grains.Training;
using MoEActors.Grains.Workers;
using MoEActors.Modules.Models;

namespace MoEActors.Tests.Support;

/// <summary>A coordinator led by hand: it has taken the next term of model "m" and orders worker hosts directly.</summary>
internal sealed class Hand
{
    private const string Model = "m";

    private readonly TrainingCluster _cluster;
    private readonly Reign _reign;

    private Hand(TrainingCluster cluster, Reign reign)
    {
        _cluster = cluster;
        _reign = reign;
    }

    public long Term => _reign.Term;

    private RunConfiguration Run => RunConfiguration.FromJson(_reign.Record.Configuration);

    private string[] Silos => _reign.Record.Map!.Silos;

    public static async Task<Hand> TakeAsync(TrainingCluster cluster)
    {
        Reign reign = (await Reign.TakeAsync(cluster.Store, Model))!;
        foreach (Silo.Embedded.EmbeddedSilo silo in cluster.Silos.Silos)
        {
            await cluster.Host(silo.Index).CallRollAsync(Model, reign.Term);
        }

        return new Hand(cluster, reign);
    }

    public static MicroBatchMessage[] Messages(IReadOnlyList<MicroBatch> batch) =>
    [
        .. batch.Select((one, index) => new MicroBatchMessage
        {
            Index = index,
            Inputs = one.Inputs,
            Targets = one.Targets,
            SequenceLength = one.SequenceLength,
        }),
    ];

    public FingerprintOrder Fingerprint(long number, long? term = null, long? epoch = null) =>
        new() { Model = Model, Term = term ?? Term, Epoch = epoch ?? _reign.Record.Epoch, Number = number };

    public PrepareOrder Prepare(long number, long step, WorkerHost host)
    {
        MicroBatchMessage[] batch = Messages(TrainingRuns.Batch(Run, step));
        return new PrepareOrder
        {
            Model = Model,
            Term = Term,
            Epoch = _reign.Record.Epoch,
            Number = number,
            Step = step,
            MicroBatches = batch.Length,
            Targets = batch.Sum(one => one.Targets.LongCount(target => target >= 0)),
            Batches = [.. batch.Where(one => Silos[one.Index % Silos.Length] == host.Silo)],
        };
    }

    public GateOrder Gates(long number, params GatePolicyMessage[] gates) =>
        new() { Model = Model, Term = Term, Epoch = _reign.Record.Epoch, Number = number, Gates = gates };

    public CommitOrder Commit(long number, long step) =>
        new() { Model = Model, Term = Term, Epoch = _reign.Record.Epoch, Number = number, Step = step };

    /// <summary>Gives an order to all hosts and waits until all have done it.</summary>
    public async Task EverywhereAsync(Func<WorkerHost, WorkOrder> order)
    {
        WorkerHost[] hosts = [.. _cluster.Silos.Silos.Select(silo => _cluster.Host(silo.Index)).Where(host => Silos.Contains(host.Silo))];
        WorkOrder[] orders = [.. hosts.Select(order)];
        foreach ((WorkerHost host, WorkOrder one) in hosts.Zip(orders))
        {
            host.Submit(one);
        }

        foreach ((WorkerHost host, WorkOrder one) in hosts.Zip(orders))
        {
            WorkReport? report = await host.PollAsync(Model, Term, one.Number, TimeSpan.FromSeconds(20));
            Assert.NotNull(report);
            Assert.Null(report.Failure);
        }
    }

    /// <summary>Writes that a step is committed, as a coordinator does before it tells anybody.</summary>
    public Task DecideAsync(long step) => _reign.WriteAsync(_reign.Record with
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
                BatchDigest = BatchDigest.Of(Messages(TrainingRuns.Batch(Run, step))),
            },
        ],
    });
}
