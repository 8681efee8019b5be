using MoEActors.Grains.Interfaces.Training;
using MoEActors.Grains.Interfaces.Workers;
using MoEActors.Grains.Training;
using MoEActors.Grains.Workers;
using MoEActors.Modules.Models;

namespace MoEActors.Tests.Support;

/// <summary>A coordinator whose every order the test gives: it has taken the next term of a model and speaks to worker hosts directly.</summary>
internal sealed class ManualCoordinator
{
    private readonly TrainingCluster _cluster;
    private readonly string _model;
    private readonly Reign _reign;

    private ManualCoordinator(TrainingCluster cluster, string model, Reign reign)
    {
        _cluster = cluster;
        _model = model;
        _reign = reign;
    }

    public long Term => _reign.Term;

    private RunConfiguration Run => RunConfiguration.FromJson(_reign.Record.Configuration);

    private string[] Silos => _reign.Record.Map!.Silos;

    public static async Task<ManualCoordinator> TakeAsync(TrainingCluster cluster, string model)
    {
        Reign reign = (await Reign.TakeAsync(cluster.Store, model))!;
        foreach (Silo.Embedded.EmbeddedSilo silo in cluster.Silos.Silos)
        {
            await cluster.Host(silo.Index).CallRollAsync(model, reign.Term);
        }

        return new ManualCoordinator(cluster, model, reign);
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

    public OrderHead Head(long number, long? term = null, long? epoch = null) => new(_model, term ?? Term, epoch ?? _reign.Record.Epoch, number);

    public PrepareOrder Prepare(long step, WorkerHost host)
    {
        MicroBatchMessage[] batch = Messages(TrainingRuns.Batch(Run, step));
        long targets = batch.Sum(one => one.Targets.LongCount(target => target >= 0));
        MicroBatchMessage[] mine = [.. batch.Where(one => Silos[one.Index % Silos.Length] == host.Silo)];
        return new PrepareOrder { Share = new StepShare(step, batch.Length, targets, mine) };
    }

    /// <summary>Gives an order to all hosts and waits until all have done it.</summary>
    public async Task EverywhereAsync(long number, Func<WorkerHost, WorkOrder> order)
    {
        WorkerHost[] hosts = [.. _cluster.Silos.Silos.Select(silo => _cluster.Host(silo.Index)).Where(host => Silos.Contains(host.Silo))];
        Array.ForEach(hosts, host => host.Submit(Head(number), order(host)));
        foreach (WorkerHost host in hosts)
        {
            WorkReport? report = await host.PollAsync(_model, Term, number, TimeSpan.FromSeconds(20));
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
                BatchDigest = BatchDigest.Of(new StepRequest { Step = step, Batches = Messages(TrainingRuns.Batch(Run, step)) }),
            },
        ],
    });
}
