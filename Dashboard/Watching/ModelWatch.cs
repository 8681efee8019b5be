using System.Text.Json.Nodes;
using MoEActors.Client;
using MoEActors.Dashboard.Boards;
using MoEActors.Grains.Interfaces.Director;
using MoEActors.Grains.Interfaces.Telemetry;
using MoEActors.Grains.Interfaces.Training;
using MoEActors.Modules.Timing;
using MoEActors.Placement.Map;
using MoEActors.Placement.Parallelism;

namespace MoEActors.Dashboard.Watching;

/// <summary>Follows one model: asks its coordinator twice a second what is new, its director once, and puts it on the board.</summary>
/// <param name="cluster">The cluster.</param>
/// <param name="model">The model.</param>
/// <param name="board">Where it goes.</param>
/// <param name="silos">Names of silos.</param>
internal sealed class ModelWatch(MoECluster cluster, string model, ModelBoard board, SiloNames silos)
{
    /// <summary>Between two questions. What happens is on the page well within a second.</summary>
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(500);

    /// <summary>What seldom changes is asked for less often.</summary>
    private static readonly TimeSpan StatusPause = TimeSpan.FromSeconds(2), DirectorPause = TimeSpan.FromSeconds(1);

    /// <summary>Experts that are named as dead; of more there is the number.</summary>
    private const int DeadNamed = 64;

    private readonly PlacementHistory _placements = new(silos);
    private readonly LoadHistory _loads = new();
    private FeedPosition _position;
    private TrainingStatus? _status;
    private DirectorStatus? _director;
    private StepNote? _newest;
    private string _device = "";
    private string? _problem;
    private long _statusAt, _directorAt;

    /// <summary>Follows it until it is no more.</summary>
    public Task RunAsync(CancellationToken ending) => Repetition.RunAsync(AskAsync, "The coordinator does not answer.", Fail, () => Pause, ending);

    private void Fail(string problem)
    {
        _problem = problem;
        PutStatus();
    }

    private async Task AskAsync(CancellationToken cancellation)
    {
        RunNews news = await cluster.ReadNewsAsync(model, _position, cancellation);
        long now = Environment.TickCount64;
        bool isChanged = news.Position.Feed != _position.Feed || news.View != _position.View || news.Notes.Length > 0;
        if (_status is null || isChanged || now - _statusAt > StatusPause.TotalMilliseconds)
        {
            (_status, _statusAt) = (await cluster.GetStatusAsync(model, cancellation), now);
        }

        if (_status.Director is not null && now - _directorAt > DirectorPause.TotalMilliseconds)
        {
            (_director, _directorAt) = (await cluster.GetDirectorAsync(model, cancellation), now);
        }

        _position = news.Position;
        Take(news);
        _problem = null;
    }

    private void Take(RunNews news)
    {
        TrainingStatus status = _status!;
        _device = news.Device;
        if (news.Map is { } map)
        {
            _placements.Enter(map, news.Step, status.Configuration);
        }

        foreach (FeedNote note in news.Notes)
        {
            board.Note(note.Time, note.Step, note.Kind, silos.Named(note.Text));
        }

        foreach (DirectorDecision decision in _director?.Decisions ?? [])
        {
            board.Decisions.Put(decision.Number, DecisionPicture.Of(decision));
        }

        Take(news.Steps, news.Loads);
        board.Series.Advance(DateTimeOffset.UtcNow.ToUnixTimeMilliseconds() / 1000.0);
        PutStatus();
        board.Run.Put(RunOf(status));
        if (_placements.Current is { } current)
        {
            Put(status, current);
        }
    }

    private void Take(StepNote[] steps, StepLoadNote[] loads)
    {
        foreach (StepNote step in steps)
        {
            double[] ratios = loads.FirstOrDefault(load => load.Step == step.Step) is { } load
                ? [.. _loads.Add(load, _placements.Of(load.View), _placements.Quotas).Where(ratio => ratio is not null).Select(ratio => ratio!.Value)]
                : [];
            board.Series.Add(new SeriesStep(
                step.Time.ToUnixTimeMilliseconds() / 1000.0, step.Step, step.CrossEntropy, step.Tokens, step.Seconds,
                ratios.Length > 0 ? (ratios.Average(), ratios.Max()) : null, step.ExchangeBytes, step.ChosenTokens, step.DroppedTokens));
            _newest = step;
        }
    }

    /// <summary>Puts layers and workers on the board.</summary>
    private void Put(TrainingStatus status, PlacementMap map)
    {
        var layers = new LayerPicture[map.Layers];
        long[] tokens = new long[map.Workers.Length];
        for (int layer = 0; layer < map.Layers; layer++)
        {
            LayerPlacement placement = map.PlacementOf(layer);
            LayerBoard ofLayer = board.Layer(layer);
            ofLayer.Placement.Put(new PlacementPicture(layer, map.Version, placement.Ranks(), _placements.MovesIn(layer)));
            LayerLoad? load = _loads.IsEmpty || placement.Experts == 0 ? null : _loads.Of(layer, placement, _placements.Quotas);
            if (load is not null)
            {
                ofLayer.Load.Put(LoadOf(layer, map.Version, placement, load));
                tokens = [.. tokens.Zip(load.Workers, (all, more) => all + more)];
            }

            ParallelismChoice travels = ParallelismChoice.In(status.Parallelism, layer);
            layers[layer] = new LayerPicture(
                layer, placement.Experts, placement.Shards, load?.Ratio, load?.WindowRatio, load?.Tokens.Sum() ?? 0, load?.Dropped ?? 0, load?.Dead.Length ?? 0,
                load?.Dead[..Math.Min(DeadNamed, load.Dead.Length)] ?? [], load?.RouterEntropy, travels.Travels, _loads.CopiesIn(layer),
                status.Tuning.FirstOrDefault(tuned => tuned.Layer == layer)?.Reason, Math.Max(1, travels.Slices),
                travels.Exchange);
        }

        board.Layers.Put(layers);
        board.Workers.Put(WorkersOf(status, map, tokens));
    }

    private LoadPicture LoadOf(int layer, long view, LayerPlacement placement, LayerLoad load)
    {
        ReplicaPicture[] shares =
        [
            .. Enumerable.Range(0, placement.Experts).Where(expert => placement.RanksOf(expert).Length > 1)
                .Select(expert => new ReplicaPicture(expert, load.Shards[placement.FirstShardOf(expert)..placement.FirstShardOf(expert + 1)])),
        ];
        return new LoadPicture(layer, _loads.From, _loads.To, view, load.Tokens, shares, load.Workers);
    }

    private void PutStatus()
    {
        if (_status is { } status)
        {
            board.Step = Math.Max(status.Step, _newest?.Step ?? 0);
            board.Status.Put(new StatusPicture
            {
                Name = model,
                Step = board.Step,
                View = status.View,
                Term = status.Term,
                Device = _device,
                Newest = _newest,
                Window = _loads.IsEmpty ? null : [_loads.From, _loads.To],
                SnapshotStep = status.SnapshotStep,
                Director = status.Director,
                Drained = status.Drained,
                PredictionError = _director?.PredictionError,
                Problem = _problem is null ? null : silos.Named(_problem),
            });
        }
    }

    private static RunPicture RunOf(TrainingStatus status)
    {
        ModelConfiguration configuration = status.Configuration.Model;
        long expert = ModelLayout.ExpertCount(configuration);
        return new RunPicture(
            JsonNode.Parse(status.Configuration.ToJson()), ModelLayout.ParameterCount(configuration), 3 * sizeof(float) * expert,
            configuration.Backbone == Backbone.None, [.. status.Gates.Select(gate => new GatePicture(gate.Layer, gate.FromStep, gate.Options))]);
    }

    private WorkerPicture[] WorkersOf(TrainingStatus status, PlacementMap map, long[] tokens)
    {
        double all = tokens.Sum();
        double seconds = _newest is { } newest && !_loads.IsEmpty ? newest.Seconds * (_loads.To - _loads.From + 1) : 0;
        int[] shards = new int[map.Workers.Length];
        for (int layer = 0; layer < map.Layers; layer++)
        {
            shards = [.. shards.Zip(map.PlacementOf(layer).ShardsPerWorker(), (sum, more) => sum + more)];
        }

        return
        [
            .. map.Workers.Select((worker, rank) =>
            {
                WorkerMemory memory = rank < status.Memory.Length ? status.Memory[rank] : new WorkerMemory();
                WorkerTiming? timing = _loads.Timings.Length == map.Workers.Length ? _loads.Timings[rank] : null;
                return new WorkerPicture(
                    rank, silos.Of(worker.Silo), worker.Silo, worker.Device, memory.Budget, memory.Used, memory.Model, shards[rank],
                    all > 0 ? tokens[rank] / all : null, all > 0 && seconds > 0 ? tokens[rank] / seconds : null, TimeOf(timing));
            }),
        ];
    }

    private static TimePicture? TimeOf(WorkerTiming? timing)
    {
        if (timing is null || timing.Elapsed.Total <= 0)
        {
            return null;
        }

        PhaseSeconds elapsed = timing.Elapsed, busy = timing.Busy;
        double together = elapsed.Exchange + elapsed.Gradients;
        double work = Math.Min(together, busy.Exchange + busy.Gradients);
        double compute = elapsed.Total - elapsed.Idle - together;
        return new TimePicture(compute / elapsed.Total, work / elapsed.Total, (elapsed.Idle + together - work) / elapsed.Total);
    }
}
