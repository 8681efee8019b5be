using System.Text.Json.Nodes;
using MoEActors.Client;
using MoEActors.Dashboard.Boards;
using MoEActors.Grains.Interfaces.Director;
using MoEActors.Grains.Interfaces.Telemetry;
using MoEActors.Grains.Interfaces.Training;
using MoEActors.Modules.Timing;
using MoEActors.Placement.Map;

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

    /// <summary>An answer takes milliseconds; while a silo dies it may never come.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    private readonly PlacementHistory _placements = new(silos);
    private FeedPosition _position;
    private TrainingStatus? _status;
    private DirectorStatus? _director;
    private StepNote? _newest;
    private WindowLoad? _load;
    private string _device = "";
    private string? _problem;
    private long _statusAt, _directorAt, _notes;

    /// <summary>Follows it until it is no more.</summary>
    public async Task RunAsync(CancellationToken ending)
    {
        while (!ending.IsCancellationRequested)
        {
            try
            {
                using var limit = CancellationTokenSource.CreateLinkedTokenSource(ending);
                limit.CancelAfter(Patience);
                await AskAsync(limit.Token);
                _problem = null;
            }
            catch (Exception e) when (!ending.IsCancellationRequested)
            {
                // Whatever a cluster's client or store throws: the page keeps what it has, and says so.
                _problem = e is OperationCanceledException or TimeoutException ? "The coordinator does not answer." : e.Message;
                PutStatus();
            }

            catch (Exception) when (ending.IsCancellationRequested)
            {
                return;
            }

            await Task.Delay(Pause, ending).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
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

        Take(news);
        _position = news.Position;
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
            // Coordinators come and go, and each counts from 1.
            board.Notes.Put(++_notes, new NotePicture(_notes, note.Time, note.Step, note.Kind, silos.Named(note.Text)));
        }

        foreach (DirectorDecision decision in _director?.Decisions ?? [])
        {
            board.Decisions.Put(decision.Number, DecisionPicture.Of(decision));
        }

        if (news.Load is { } load)
        {
            _load = load;
            _newest = news.Steps[^1];
            double[]? ratios = _placements.RatiosOf(load);
            foreach (StepNote step in news.Steps)
            {
                board.Series.Add(new SeriesStep(
                    step.Time.ToUnixTimeMilliseconds() / 1000.0, step.Step, step.CrossEntropy, step.Tokens, step.Seconds,
                    step == _newest && ratios is { Length: > 0 } ? (ratios.Average(), ratios.Max()) : null, step.ExchangeBytes, step.ChosenTokens, step.DroppedTokens));
            }
        }

        board.Series.Advance(DateTimeOffset.UtcNow.ToUnixTimeMilliseconds() / 1000.0);
        PutStatus();
        board.Run.Put(RunOf(status));
        if (_placements.Current is { } current)
        {
            _placements.Put(board, current, _load);
            board.Workers.Put(WorkersOf(status, current));
        }
        else
        {
            board.Workers.Put(Array.Empty<WorkerPicture>());
        }
    }

    private void PutStatus()
    {
        if (_status is { } status)
        {
            board.Status.Put(new StatusPicture
            {
                Name = model,
                Step = Math.Max(status.Step, _newest?.Step ?? 0),
                View = status.View,
                Term = status.Term,
                Device = _device,
                Newest = _newest,
                Window = _load is { } load ? [load.From, load.To] : null,
                SnapshotStep = status.SnapshotStep,
                Director = status.Director,
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

    private WorkerPicture[] WorkersOf(TrainingStatus status, PlacementMap map)
    {
        long[]? tokens = _load is { } load ? _placements.TokensByRank(load) : null;
        double all = Math.Max(1, tokens?.Sum() ?? 0);
        double seconds = _newest is { } newest && _load is { } window ? newest.Seconds * (window.To - window.From + 1) : 0;
        return
        [
            .. map.Workers.Select((worker, rank) =>
            {
                WorkerMemory memory = rank < status.Memory.Length ? status.Memory[rank] : new WorkerMemory();
                WorkerTiming? timing = _load is { } last && last.Timings.Length == map.Workers.Length ? last.Timings[rank] : null;
                return new WorkerPicture(
                    rank, silos.Of(worker.Silo), worker.Silo, worker.Device, memory.Budget, memory.Used, memory.Model, _placements.ShardsOf(rank),
                    tokens is null ? null : tokens[rank] / all, tokens is null || seconds <= 0 ? null : tokens[rank] / seconds, TimeOf(timing));
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
