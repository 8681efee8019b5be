using MoEActors.Modules.Gates;
using MoEActors.Modules.Models;

namespace MoEActors.Tests.Gates;

/// <summary>Routing never visits the host: each read is a wait for a device that works beside it, so they are counted.</summary>
public class HostWaitTests
{
    /// <summary>Mixture-of-experts layers of the small model.</summary>
    private const int Layers = 2;

    private static readonly Dictionary<string, GateOptions> Gates = new()
    {
        ["plain"] = new() { TopK = 2 },
        ["everything at once"] = new()
        {
            TopK = 2,
            Noise = 1f,
            Jitter = 0.1f,
            SecondChoiceNoise = 1f,
            CapacityFactor = 0.7f,
            Priority = SlotPriority.Random,
            ZCoefficient = 0.1f,
            Balance = BalanceLossKind.AllChoices,
        },
        ["load and importance"] = new() { TopK = 2, Noise = 1f, Balance = BalanceLossKind.LoadImportance },
        ["batch-prioritised"] = new() { TopK = 2, CapacityFactor = 0.7f, Priority = SlotPriority.Score },
        ["sigmoid with a bias"] = new() { TopK = 3, Scores = GateScores.Sigmoid, BiasUpdateRate = 0.01f, Balance = BalanceLossKind.AllChoices },
        ["node-limited"] = new() { TopK = 1, Groups = 2, TopGroups = 1 },
        ["cosine"] = new() { Kind = "cosine", ProjectionDim = 6 },
        ["expert choice"] = new() { Kind = "expert-choice", CapacityFactor = 1 },
    };

    public static TheoryData<string, bool> Cases => [.. Gates.Keys.SelectMany(_ => new[] { false, true }, (gate, recompute) => (gate, recompute))];

    [Theory]
    [MemberData(nameof(Cases))]
    public void A_pass_reads_counts_once_in_a_layer_and_everything_else_once_at_its_end(string gate, bool recompute)
    {
        using var run = new DecoderRun(DecoderRun.Small(Gates[gate]), recompute: recompute);
        run.Train(default);
        Assert.Equal((recompute ? 2 : 1) * Layers + 1, Reads(run, () => run.Train(default)));
        Assert.Equal(Layers + 1, Reads(run, () => run.Model.Evaluate(run.Batch)));
        float[] logits = new float[run.Batch.Inputs.Length * run.Model.Configuration.Vocabulary];
        Assert.Equal(Layers + 2, Reads(run, () => run.Model.Predict(run.Batch, logits)));
        Assert.Equal(0, Reads(run, () => run.Model.EndStep(run.Dense.Gradients)));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void What_was_read_is_what_the_pass_had(bool recompute)
    {
        ModelConfiguration model = DecoderRun.Small(Gates["everything at once"]);
        using var run = new DecoderRun(model, recompute: recompute);
        var place = new MicroBatchPlace(3, 1);
        MicroBatchLoss loss = run.Train(place);
        int tokens = run.Batch.TokenCount;
        double auxiliary = 0;
        foreach (int layer in model.MoELayers)
        {
            Routing routing = run.Model.RoutingOf(layer)!;
            Assert.Equal(2 * tokens, routing.ChosenTokens.Sum());
            Assert.Equal(tokens, routing.FirstChoices.Sum());
            Assert.Equal(2 * tokens, routing.KeptRows + routing.DroppedChoices);
            Assert.InRange(routing.DroppedChoices, 1, tokens);
            Assert.InRange(routing.RoutedTokens, 1, tokens);
            Assert.InRange(routing.EntropySum / tokens, 0.1, Math.Log(routing.Experts));
            Assert.True(routing.BalanceLoss > 0 && routing.ZLoss > 0);
            auxiliary += routing.AuxiliaryLoss;
        }

        Assert.Equal(auxiliary, loss.Auxiliary);
    }

    private static long Reads(DecoderRun run, Action pass)
    {
        long before = run.Device.Reads;
        pass();
        return run.Device.Reads - before;
    }
}
