using MoEActors.Client;
using MoEActors.Grains.Interfaces.Errors;
using MoEActors.Grains.Interfaces.Training;
using MoEActors.Grains.Training;
using MoEActors.Modules.Gates;
using MoEActors.Modules.Models;
using MoEActors.Tests.Gates;
using MoEActors.Tests.Support;

namespace MoEActors.Tests.Modules;

/// <summary>Several documents in a sequence learn as if each had a sequence to itself.</summary>
public sealed class PackedDocumentsTests
{
    private static readonly ModelConfiguration Model = DecoderRun.Small(new GateOptions { TopK = 2 });

    /// <summary>Documents of five, four, two and six tokens; the third has the number of the first and stands beside neither.</summary>
    private static readonly MicroBatch Packed = new(
        [1, 5, 2, 7, 12, 3, 3, 8, 0, 4, 9, -1, 9, 17, 11, 18, 2, 6], [5, 2, 7, 12, -1, 3, 8, 0, -1, 9, -1, -1, 17, 11, 18, 2, 6, -1], 9)
    {
        Documents = [4, 4, 4, 4, 4, 0, 0, 0, 0, 4, 4, 7, 5, 5, 5, 5, 5, 5],
    };

    /// <summary>The same documents, one to a sequence.</summary>
    private static readonly MicroBatch Apart = new(
        [1, 5, 2, 7, 12, -1, 3, 3, 8, 0, -1, -1, 4, 9, -1, -1, -1, -1, 9, 17, 11, 18, 2, 6],
        [5, 2, 7, 12, -1, -1, 3, 8, 0, -1, -1, -1, 9, -1, -1, -1, -1, -1, 17, 11, 18, 2, 6, -1], 6);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory, InlineData(false), InlineData(true)]
    public void Documents_in_one_sequence_have_the_losses_and_gradients_of_documents_apart(bool recompute)
    {
        using var expected = new DecoderRun(Model, Apart);
        using var found = new DecoderRun(Model, Packed, recompute);
        using var joined = new DecoderRun(Model, Packed with { Documents = null });
        MicroBatchLoss loss = expected.Train(default);
        Assert.Equal(loss.CrossEntropySum, found.Train(default).CrossEntropySum, 1e-4);
        Assert.NotEqual(loss.CrossEntropySum, joined.Train(default).CrossEntropySum, 1e-3);
        Assert.Equal(loss.CrossEntropySum, found.Model.Evaluate(Packed), 1e-4);
        foreach ((float one, float other) in expected.Dense.Gradients.AsSpan().ToArray().Zip(found.Dense.Gradients.AsSpan().ToArray()))
        {
            Assert.Equal(one, other, 1e-4f);
        }
    }

    [Fact]
    public async Task A_cluster_learns_the_same_wherever_experts_are_and_tells_documents_apart()
    {
        RunConfiguration run = new() { Model = Model, MicroBatches = 2 };
        List<ulong> fingerprints = [];
        foreach (int silos in new[] { 1, 3 })
        {
            await using TrainingCluster cluster = await TrainingCluster.RentAsync(silos);
            MoEModel model = await cluster.Client.CreateModelAsync(cluster["m"], run, null, Cancellation);
            for (int step = 0; step < 3; step++)
            {
                await model.TrainStepAsync([Packed, Apart], Cancellation);
            }

            fingerprints.Add(await model.FingerprintAsync(Cancellation));
            InvalidRequestException refused = await Assert.ThrowsAsync<InvalidRequestException>(
                () => model.TrainStepAsync([Apart, Packed with { Documents = [1, 2] }], Cancellation));
            Assert.Contains("Micro-batch 1: 2 numbers of documents do not go with 18 inputs", refused.Message, StringComparison.Ordinal);
        }

        Assert.Equal(fingerprints[0], fingerprints[1]);
        Assert.NotEqual(
            BatchDigest.Of(new StepRequest(1, [Packed])), BatchDigest.Of(new StepRequest(1, [Packed with { Documents = [.. Packed.Documents!.Reverse()] }])));
    }
}
