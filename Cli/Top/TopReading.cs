using MoEActors.Cli.Runs;
using MoEActors.Client;
using MoEActors.Dashboard.Boards;
using MoEActors.Grains.Interfaces.Director;
using MoEActors.Grains.Interfaces.Training;

namespace MoEActors.Cli.Top;

/// <summary>What `moe top` shows: a cluster and one of its models, at one moment.</summary>
/// <param name="Time">When it was read.</param>
/// <param name="Silos">The silos.</param>
/// <param name="Models">All models.</param>
/// <param name="Model">The one that is shown; null when there is none.</param>
/// <param name="Problem">Why nothing newer is known; null when the cluster answers.</param>
internal sealed record TopReading(DateTimeOffset Time, IReadOnlyList<TopSilo> Silos, IReadOnlyList<ModelSummary> Models, TopModel? Model, string? Problem)
{
    /// <summary>A model whose last step is older is not being trained.</summary>
    private static readonly TimeSpan Recent = TimeSpan.FromSeconds(10);

    /// <summary>Layers whose experts are read: more find no room on a screen.</summary>
    private const int MostLayers = 16;

    private const int MostNotes = 16;

    /// <summary>Reads a board.</summary>
    /// <param name="board">The board.</param>
    /// <param name="wanted">The model to show; null for the one that was last trained.</param>
    /// <param name="cancellation">Stops waiting.</param>
    public static async Task<TopReading> OfAsync(BoardReader board, string? wanted, CancellationToken cancellation)
    {
        ClusterPicture cluster = (await board.GetAsync<ClusterPicture>("cluster", cancellation))!;
        ModelSummary[] models = (await board.GetAsync<ModelSummary[]>("models", cancellation))!;
        List<StatusPicture> found = [];
        foreach (ModelSummary model in models.Where(model => wanted is null || model.Name == wanted))
        {
            // A model that has just come has no status yet, and one that has just gone has none any more.
            if (await board.GetAsync<StatusPicture>($"models/{Uri.EscapeDataString(model.Name)}", cancellation) is { } status)
            {
                found.Add(status);
            }
        }

        StatusPicture? shown = found.MaxBy(status => status.Newest?.Time ?? DateTimeOffset.MinValue);
        TopModel? one = shown is null ? null : await ModelAsync(board, shown, cancellation);
        DateTimeOffset now = DateTimeOffset.UtcNow;
        bool trains = shown?.Newest is { } newest && now - newest.Time < Recent;
        return new TopReading(
            now, [.. cluster.Silos.Select(silo => new TopSilo(silo.Name, StateOf(silo, trains && one!.Workers.Any(worker => worker.Address == silo.Address)), silo.Address))], models, one,
            cluster.Problem ?? shown?.Problem);
    }

    private static async Task<TopModel> ModelAsync(BoardReader board, StatusPicture status, CancellationToken cancellation)
    {
        string place = $"models/{Uri.EscapeDataString(status.Name)}";
        LayerPicture[] layers = await board.GetAsync<LayerPicture[]>($"{place}/layers", cancellation) ?? [];
        WorkerPicture[] workers = await board.GetAsync<WorkerPicture[]>($"{place}/workers", cancellation) ?? [];
        List<TopLayer> read = [];
        foreach (LayerPicture layer in layers.Where(layer => layer.Experts > 0).Take(MostLayers))
        {
            if (await board.GetAsync<PlacementPicture>($"{place}/layers/{layer.Layer}/placement", cancellation) is { } placement
                && await board.GetAsync<LoadPicture>($"{place}/layers/{layer.Layer}/load", cancellation) is { } load && load.Tokens.Length == placement.Ranks.Length)
            {
                read.Add(new TopLayer(layer.Layer, load.Tokens, placement.Ranks, [.. placement.Moves.Select(move => new TopMove(move.Expert, move.Time))]));
            }
        }

        string[] silos = [.. workers.Select(worker => worker.Silo)];
        DecisionPicture[] decisions = await board.GetAsync<DecisionPicture[]>($"{place}/decisions", cancellation) ?? [];
        NotePicture[] notes = await board.GetAsync<NotePicture[]>($"{place}/notes", cancellation) ?? [];
        return new TopModel(status, workers, layers, read, [.. decisions.Select(decision => DecisionReport.Of(Decision(decision), silos))], [.. notes.TakeLast(MostNotes)]);
    }

    private static DirectorDecision Decision(DecisionPicture picture) => new()
    {
        Number = picture.Number,
        Step = picture.Step,
        State = picture.State,
        ConcludedAt = picture.ConcludedAt,
        Failure = picture.Failure,
        ShardsMoved = picture.ShardsMoved,
        BytesMoved = picture.BytesMoved,
        CopySeconds = picture.CopySeconds,
        WaitSeconds = picture.WaitSeconds,
        Layers = picture.Layers,
    };

    /// <summary>As the dashboard's page names it.</summary>
    private static string StateOf(SiloPicture silo, bool trains) => silo.State switch
    {
        SiloState.Joining => "joining",
        SiloState.Leaving => "draining",
        SiloState.Dead => silo.WasLeaving ? "left" : "lost",
        _ => trains ? "training" : "ready",
    };
}

/// <summary>A silo.</summary>
/// <param name="Name">Its name.</param>
/// <param name="State">training, ready, joining, draining, left, or lost.</param>
/// <param name="Address">Its address.</param>
internal sealed record TopSilo(string Name, string State, string Address);

/// <summary>A model.</summary>
/// <param name="Status">How it stands.</param>
/// <param name="Workers">Its workers, by rank.</param>
/// <param name="Layers">Its layers in short.</param>
/// <param name="Experts">The load of the first layers' experts, and who has them.</param>
/// <param name="Decisions">What its director has decided, oldest first.</param>
/// <param name="Notes">What else has happened, oldest first.</param>
internal sealed record TopModel(
    StatusPicture Status, IReadOnlyList<WorkerPicture> Workers, IReadOnlyList<LayerPicture> Layers, IReadOnlyList<TopLayer> Experts, IReadOnlyList<DecisionReport> Decisions,
    IReadOnlyList<NotePicture> Notes);

/// <summary>The experts of a layer.</summary>
/// <param name="Layer">The layer.</param>
/// <param name="Tokens">By expert: tokens of the load window that reached it.</param>
/// <param name="Ranks">By expert: the ranks that have it.</param>
/// <param name="Moves">The last move of each that has moved.</param>
internal sealed record TopLayer(int Layer, IReadOnlyList<long> Tokens, IReadOnlyList<int[]> Ranks, IReadOnlyList<TopMove> Moves);

/// <summary>An expert has come to another worker.</summary>
/// <param name="Expert">The expert.</param>
/// <param name="Time">When that was noticed.</param>
internal sealed record TopMove(int Expert, DateTimeOffset Time);
