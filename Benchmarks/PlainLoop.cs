using Microsoft.Extensions.Logging.Abstractions;
using MoEActors.Modules.Checkpoints;
using MoEActors.Modules.Timing;
using MoEActors.Native.Communication;
using MoEActors.Native.Communication.InProcess;
using MoEActors.Native.Cpu;
using MoEActors.Placement.Map;
using MoEActors.Placement.Planners;
using MoEActors.Workers.Commands;
using MoEActors.Workers.Estimation;
using MoEActors.Workers.Host;

namespace MoEActors.Benchmarks;

/// <summary>
/// The workers of a cluster without the cluster: the same hosts in this process, each with one device, and a loop that gives them the same commands. What a
/// step costs beyond this is the price of grains, messages and membership.
/// </summary>
internal sealed class PlainLoop : IDisposable
{
    private const string Model = "bench";
    private const long Term = 1;
    private static readonly TimeSpan Slice = TimeSpan.FromSeconds(5);

    private readonly WorkerHost[] _hosts;
    private readonly WorkerId[] _workers;
    private PlacementMap _map;
    private long _number;
    private long _step;

    private PlainLoop(RunConfiguration run, int hosts, int threads)
    {
        var communicators = new InProcessCommunicatorProvider();
        var options = new WorkerHostOptions { Devices = () => [new CpuDevice(threads)], MemoryPerDevice = MemoryBudget.Default(hosts) };
        _hosts =
        [
            .. Enumerable.Range(0, hosts).Select(index =>
                new WorkerHost($"plain-{index}", options, communicators, new DiskFileStore(), ModelKinds.BuiltIn, new CallerBuffers(), new CheckpointPlaces(),
                    NullLogger<WorkerHost>.Instance)),
        ];
        _workers = [.. _hosts.Select(host => new WorkerId(host.Silo, 0))];
        _map = StaticPlanner.Plan(1, _workers, run.Model.Experts);
    }

    /// <summary>Opens a view of the static placement on new hosts, with parameters from the run's seed.</summary>
    public static async Task<PlainLoop> StartAsync(RunConfiguration run, int hosts, int threads)
    {
        var loop = new PlainLoop(run, hosts, threads);
        try
        {
            await loop.RunAsync(_ => new OpenViewCommand(run, loop._map, Version: 0, Checkpoint: null, Gates: []));
            return loop;
        }
        catch
        {
            loop.Dispose();
            throw;
        }
    }

    /// <summary>Places experts as another map of as many workers does.</summary>
    public async Task FollowAsync(PlacementMap other)
    {
        LayerPlacement[] layers = [.. Enumerable.Range(0, other.Layers).Select(other.PlacementOf)];
        var next = new PlacementMap(_map.Version + 1, _workers, layers);
        if (next.IsPlacedAs(_map))
        {
            return;
        }

        var topology = new ClusterTopology([.. _workers.Select(worker => new WorkerCapacity(worker.Silo, int.MaxValue))], 1, 1);
        var change = new PlacementChange(
            next.Version, next,
            [.. layers.Index().SelectMany(layer => PlacementMoves.Between(layer.Index, _map.PlacementOf(layer.Index), layer.Item, topology))]);
        await RunAsync(_ => new PlacementChangeCommand(change));
        await RunAsync(_ => new CommitCommand(_step, next.Version));
        _map = next;
    }

    /// <summary>Runs a step. As with a coordinator, it is decided when this returns, and applied before the next command.</summary>
    public async Task<PlainStep> StepAsync(long step, IReadOnlyList<MicroBatch> batch)
    {
        var whole = StepShare.Of(step, batch);
        HostReport[] reports = await RunAsync(rank => new PrepareCommand(whole with { Batches = OfRank(batch, rank) }));
        StepReport[] workers = [.. reports.SelectMany(report => report.Workers).Cast<StepReport>()];
        LossPart[] losses = [.. workers.SelectMany(worker => worker.Losses).OrderBy(loss => loss.Index)];
        Submit(_ => new CommitCommand(step));
        _step = step;
        return new PlainStep(
            losses.Sum(loss => loss.CrossEntropySum) / Math.Max(1, whole.Targets) + LossPart.MeanAuxiliary(losses),
            [.. workers.Select(worker => worker.Timing!)]);
    }

    /// <inheritdoc />
    public void Dispose() => Array.ForEach(_hosts, host => host.Dispose());

    private PlacedMicroBatch[] OfRank(IReadOnlyList<MicroBatch> batch, int rank) =>
        [.. batch.Index().Where(part => part.Index % _hosts.Length == rank).Select(part => new PlacedMicroBatch(part.Index, part.Item))];

    private Task<HostReport[]> RunAsync(Func<int, Command> command)
    {
        long number = Submit(command);
        return Task.WhenAll(_hosts.Select(host => PollAsync(host, number)));
    }

    private long Submit(Func<int, Command> command)
    {
        var header = new CommandHeader(Model, Term, _map.Version, ++_number);
        for (int rank = 0; rank < _hosts.Length; rank++)
        {
            _hosts[rank].Submit(header, command(rank));
        }

        return _number;
    }

    private static async Task<HostReport> PollAsync(WorkerHost host, long number)
    {
        while (true)
        {
            if (await host.PollAsync(Model, Term, number, Slice) is { } report)
            {
                return report.Failure is null ? report : throw new InvalidOperationException(report.Failure);
            }
        }
    }
}

/// <summary>A step of the plain loop.</summary>
/// <param name="Loss">Its loss, as a coordinator would tell it.</param>
/// <param name="Timings">In rank order: where each worker's time went.</param>
internal sealed record PlainStep(double Loss, WorkerTiming[] Timings);
