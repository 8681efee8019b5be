using MoEActors.Client;
using MoEActors.Grains.Interfaces.Errors;
using MoEActors.Grains.Interfaces.Training;
using MoEActors.Modules.Gates;
using MoEActors.Modules.Models;
using MoEActors.Tests.Gates;
using MoEActors.Tests.Support;

namespace MoEActors.Tests.Modules;

/// <summary>A sequence has the same bits with padding and without, wherever the padding stands and whatever else the micro-batch has.</summary>
public sealed class PaddingTests
{
    private const int Length = 5;

    /// <summary>Where there is no token; of a letter stands one.</summary>
    private static readonly Dictionary<string, string[]> Patterns = new()
    {
        ["in front"] = ["----ttttt", "----ttttt", "----ttttt"],
        ["behind"] = ["ttttt----", "ttttt----", "ttttt----"],
        ["in the middle"] = ["tt----ttt", "t----tttt", "tttt----t"],
        ["between all"] = ["t-t-t-t-t", "-t-t-tt-t", "tt-t-t-t-"],
        ["sequences of nothing else"] = ["---------", "ttttt----", "-ttttt---", "---------", "----ttttt", "---------"],
    };

    private static readonly Dictionary<string, ModelConfiguration> Models = new()
    {
        ["plain"] = DecoderRun.Small(new GateOptions { TopK = 2 }),
        ["capacity"] = DecoderRun.Small(new GateOptions { TopK = 2, CapacityFactor = 0.7f, Priority = SlotPriority.Score }),
        ["sigmoid"] = DecoderRun.Small(new GateOptions { TopK = 3, Scores = GateScores.Sigmoid, BiasUpdateRate = 0.01f, Balance = BalanceLossKind.AllChoices }),
        ["expert choice"] = DecoderRun.Small(new GateOptions { Kind = "expert-choice", CapacityFactor = 1 }),
        ["shared"] = DecoderRun.Small(new GateOptions { Kind = "cosine", ProjectionDim = 6 }) with { SharedExperts = 1, Expert = "gelu" },
        ["residual"] = DecoderRun.Small(new GateOptions { TopK = 1 }) with { Residual = true },
    };

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public static TheoryData<string, string> Cases =>
        [.. Models.Keys.SelectMany(_ => Patterns.Keys, (model, where) => (model, where))];

    [Theory, MemberData(nameof(Cases))]
    public void Training_evaluation_and_prediction_keep_every_bit(string model, string where)
    {
        MicroBatch bare = Bare(Models[model]), padded = Padded(bare, Patterns[where]);
        using var expected = new DecoderRun(Models[model], bare);
        MicroBatchLoss loss = expected.Train(default);
        float[] logits = Predict(expected, bare);
        foreach (bool recompute in new[] { false, true })
        {
            using var found = new DecoderRun(Models[model], padded, recompute);
            Assert.Equal(loss, found.Train(default));
            Assert.Equal(Bits(expected.Dense.Gradients.AsSpan()), Bits(found.Dense.Gradients.AsSpan()));
            foreach ((var one, var other) in expected.Experts.Zip(found.Experts))
            {
                Assert.Equal(Bits(one.Gradients.AsSpan()), Bits(other.Gradients.AsSpan()));
            }

            Assert.Equal(expected.Model.Evaluate(bare), found.Model.Evaluate(padded));
            float[] predicted = Predict(found, padded);
            int vocabulary = Models[model].Vocabulary;
            ILookup<bool, float[]> rows = predicted.Chunk(vocabulary).Zip(padded.Inputs).ToLookup(row => row.Second >= 0, row => row.First);
            Assert.Equal(logits, rows[true].SelectMany(row => row));
            Assert.All(rows[false].SelectMany(row => row), logit => Assert.Equal(0f, logit));
        }
    }

    [Theory, InlineData("in front"), InlineData("between all"), InlineData("sequences of nothing else")]
    public async Task A_cluster_learns_the_same(string where)
    {
        RunConfiguration run = TrainingRuns.Small with { MicroBatches = 2 };
        await using TrainingCluster cluster = await TrainingCluster.RentAsync(3);
        MoEModel bare = await cluster.Client.CreateModelAsync(cluster["bare"], run, null, Cancellation);
        MoEModel padded = await cluster.Client.CreateModelAsync(cluster["padded"], run with { Recompute = "all" }, null, Cancellation);
        for (int step = 1; step <= 3; step++)
        {
            MicroBatch[] batch = [Bare(run.Model, step), Bare(run.Model, -step)];
            StepOutcome one = await bare.TrainStepAsync(batch, Cancellation);
            StepOutcome other = await padded.TrainStepAsync([.. batch.Select(part => Padded(part, Patterns[where]))], Cancellation);
            Assert.Equal((one.Loss, one.Auxiliary, one.GradientNorm, one.Tokens), (other.Loss, other.Auxiliary, other.GradientNorm, other.Tokens));
        }

        Assert.Equal(await bare.FingerprintAsync(Cancellation), await padded.FingerprintAsync(Cancellation));
        MicroBatch seen = Bare(run.Model, 9);
        Assert.Equal(
            await bare.EvaluateAsync([seen], Cancellation), await padded.EvaluateAsync([Padded(seen, Patterns[where])], Cancellation));
    }

    [Fact]
    public async Task A_target_on_padding_is_refused_by_its_place()
    {
        RunConfiguration run = TrainingRuns.Small with { MicroBatches = 2 };
        await using TrainingCluster cluster = await TrainingCluster.RentAsync(1);
        MoEModel model = await cluster.Client.CreateModelAsync(cluster["m"], run, null, Cancellation);
        MicroBatch sound = Bare(run.Model), bad = new([1, 2, 3, 4, -1, 6], [2, 3, 4, 5, 6, 7], 3);
        InvalidRequestException refused = await Assert.ThrowsAsync<InvalidRequestException>(() => model.TrainStepAsync([sound, bad], Cancellation));
        Assert.Contains("Micro-batch 1: Sequence 1, position 1 is padding", refused.Message, StringComparison.Ordinal);
        refused = await Assert.ThrowsAsync<InvalidRequestException>(() => model.EvaluateAsync([bad], Cancellation));
        Assert.Contains("Micro-batch 0: Sequence 1, position 1 is padding", refused.Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<InvalidRequestException>(async () =>
        {
            await foreach (int token in model.GenerateAsync([1, -1, 2], 1, cancellationToken: Cancellation))
            {
                Assert.Fail($"Padding in a prompt led to {token}.");
            }
        });
        await model.TrainStepAsync([sound, sound], Cancellation);

        // The library alone, without a cluster that looks at batches.
        using var decoder = new DecoderRun(Models["plain"], bad);
        Assert.Contains("Sequence 1, position 1", Assert.Throws<ArgumentException>(() => decoder.Train(default)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_micro_batch_without_ids_is_refused_by_the_argument()
    {
        Assert.Equal("Inputs", Assert.Throws<ArgumentNullException>(() => new MicroBatch(null!, [], 1)).ParamName);
        Assert.Equal("Targets", Assert.Throws<ArgumentNullException>(() => new MicroBatch([], null!, 1)).ParamName);
        Assert.Equal("Targets", Assert.Throws<ArgumentNullException>(() => new MicroBatch([], [], 1) with { Targets = null! }).ParamName);
    }

    /// <summary>Three sequences without padding; some targets are masked.</summary>
    private static MicroBatch Bare(ModelConfiguration model, int seed = 3)
    {
        var random = new Random(seed);
        int[] tokens = [.. Enumerable.Range(0, 3 * Length).Select(_ => random.Next(model.Vocabulary))];
        return new MicroBatch(tokens, [.. tokens.Select((token, i) => i % 7 == 3 ? -1 : (token + 5) % model.Vocabulary)], Length);
    }

    private static MicroBatch Padded(MicroBatch bare, string[] patterns)
    {
        string places = string.Concat(patterns);
        int[] inputs = [.. Enumerable.Repeat(-1, places.Length)], targets = [.. inputs];
        foreach ((int token, int place) in Enumerable.Range(0, places.Length).Where(place => places[place] == 't').Index())
        {
            (inputs[place], targets[place]) = (bare.Inputs[token], bare.Targets[token]);
        }

        return new MicroBatch(inputs, targets, patterns[0].Length);
    }

    private static float[] Predict(DecoderRun run, MicroBatch batch)
    {
        float[] logits = new float[batch.Inputs.Length * run.Model.Configuration.Vocabulary];
        run.Model.Predict(batch, logits);
        return logits;
    }

    private static int[] Bits(ReadOnlySpan<float> values) => [.. values.ToArray().Select(BitConverter.SingleToInt32Bits)];
}
