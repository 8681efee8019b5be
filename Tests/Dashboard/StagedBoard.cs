using System.Text.Json.Nodes;
using MoEActors.Client;
using MoEActors.Dashboard.Boards;
using MoEActors.Grains.Interfaces.Director;
using MoEActors.Grains.Interfaces.Telemetry;
using MoEActors.Placement.Map;

namespace MoEActors.Tests.Dashboard;

/// <summary>A board with a made-up cluster, for what no small cluster shows: many experts and workers, hostile names.</summary>
internal static class StagedBoard
{
    public const int Layers = 3;

    /// <summary>Fills a board.</summary>
    /// <param name="board">The board.</param>
    /// <param name="name">Name of the model.</param>
    /// <param name="workers">Workers, each on a silo of its own.</param>
    /// <param name="experts">Experts of each layer.</param>
    /// <param name="siloOf">Name of a worker's silo.</param>
    public static ModelBoard Fill(Board board, string name, int workers, int experts, Func<int, string> siloOf)
    {
        DateTimeOffset now = DateTimeOffset.UtcNow;
        board.Cluster.Put(new ClusterPicture(
            [.. Enumerable.Range(0, workers).Select(rank => new SiloPicture(siloOf(rank), $"10.0.0.{rank}:11111@1", rank == 1 ? SiloState.Leaving : SiloState.Active, now, now, WasLeaving: false))],
            Problem: null));
        board.Models.Put(new[] { new { name, step = 100, isLayer = false } });
        ModelBoard model = board.Add(name);
        model.Status.Put(new StatusPicture
        {
            Name = name,
            Step = 100,
            View = 3,
            Term = 1,
            Device = "cuda",
            SnapshotStep = 80,
            Director = new DirectorSettings(),
            PredictionError = 0.08,
            Newest = new StepNote
            {
                Number = 100,
                Time = now,
                Step = 100,
                Loss = 2.1,
                CrossEntropy = 2,
                GradientNorm = 0.7,
                LearningRate = 1e-3,
                Tokens = 8192,
                Seconds = 0.4,
                ChosenTokens = 16384,
                DroppedTokens = 164,
                ExchangeBytes = 1 << 24,
            },
            Window = [93, 100],
        });
        JsonNode configuration = new JsonObject
        {
            ["model"] = new JsonObject
            {
                ["experts"] = new JsonArray([.. Enumerable.Range(0, Layers).Select(_ => JsonValue.Create(experts))]),
                ["gate"] = new JsonObject { ["kind"] = "top-any", ["topK"] = 2, ["capacityFactor"] = 1.25 },
            },
            ["microBatches"] = 8,
        };
        model.Run.Put(new RunPicture(configuration, 2_626_688, 884_736, IsLayer: false, []));
        model.Workers.Put(Enumerable.Range(0, workers).Select(rank => new WorkerPicture(
            rank, siloOf(rank), $"10.0.0.{rank}:11111@1", 0, 8L << 30, 3L << 30, 2L << 30, experts * Layers / workers, 1.0 / workers, 12_345, new TimePicture(0.7, 0.1, 0.2))).ToArray());
        for (int layer = 0; layer < Layers; layer++)
        {
            Put(model, layer, workers, experts, step: 100);
        }

        model.Layers.Put(Enumerable.Range(0, Layers).Select(layer => new LayerPicture(
            layer, experts, experts + 1, 1.1 + (layer * 0.2), 1.1, 131_072, layer * 900, layer, [3], 1.5, (LayerParallelism)layer, layer * 12)).ToArray());
        model.Notes.Put(1, new NotePicture(1, now, 90, FeedNoteKind.Failure, $"Silo {siloOf(0)} does not answer."));
        model.Notes.Put(2, new NotePicture(2, now, 91, FeedNoteKind.Recovery, "A silo was lost; all went back."));
        model.Decisions.Put(1, new DecisionPicture(
            1, 80, now, DecisionState.Applied, 82, null, 1, 884_736, 0.01, 0.001, [new LayerDecision(0, [new ShardArrival(0, 0, 1)], 1.4, 1.1, 1.12, 0.01, 0.008, 0.001, "Layer 0: 1 shard moves.", 0.01, 0.009)]));
        double time = now.ToUnixTimeMilliseconds() / 1000.0;
        for (int second = 0; second < 60; second++)
        {
            model.Series.Add(new SeriesStep(time - 60 + second, 40 + second, 3 - (second / 60.0), 8192, 0.4, (1.2, 1.5), 1 << 24, 16384, 100));
        }

        return model;
    }

    /// <summary>Puts a layer's placement and load on a board: expert e on worker e mod workers, expert 0 on the next one, too; expert 3 is chosen by nobody.</summary>
    public static void Put(ModelBoard model, int layer, int workers, int experts, int step)
    {
        int[][] ranks = [.. Enumerable.Range(0, experts).Select(expert => expert == 0 ? new[] { 0, 1 } : [expert % workers])];
        long[] tokens = [.. Enumerable.Range(0, experts).Select(expert => expert == 3 ? 0 : (long)((expert * 7919) + (layer * 31) + step) % 500 + 10)];
        model.Layer(layer).Placement.Put(new PlacementPicture(layer, 3, ranks, []));
        long[] served = [.. Enumerable.Range(0, workers).Select(rank => Enumerable.Range(0, experts).Where(expert => ranks[expert].Contains(rank)).Sum(expert => tokens[expert]))];
        model.Layer(layer).Load.Put(new LoadPicture(layer, step - 7, step, 3, tokens, [new ReplicaPicture(0, [tokens[0], 0])], served));
    }
}
