using MoEActors.Client;
using MoEActors.Grains.Interfaces.Errors;
using MoEActors.Modules.Models;
using MoEActors.Modules.Parameters;
using MoEActors.Native.Memory;
using MoEActors.Placement.Map;
using MoEActors.Tests.Support;
using MoEActors.Workers.Training;

namespace MoEActors.Tests.Training;

/// <summary>A step that is refused because something is no number says where that began, and the model can be used on.</summary>
public sealed class NonFiniteTests : IAsyncLifetime
{
    private const int Silos = 3;

    private static readonly RunConfiguration Run = TrainingRuns.Small;

    private TrainingCluster _cluster = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => _cluster = await TrainingCluster.RentAsync(Silos);

    public ValueTask DisposeAsync() => _cluster.DisposeAsync();

    [Theory]
    [InlineData(2, 3, "gate_up", float.NaN)]
    [InlineData(0, 0, "down", float.PositiveInfinity)]
    public async Task A_value_of_an_expert_is_named(int layer, int expert, string tensor, float value)
    {
        MoEModel model = await TrainedAsync();
        ParameterBlock block = Shard(layer, expert);
        Parameter parameter = block.Parameters.First(one => one.Shape.Name.Contains(tensor, StringComparison.Ordinal));
        NonFiniteLossException refused = await RefusedAsync(model, [parameter.Vector], 7, value);
        Assert.Equal((layer, expert, block.Prefix + parameter.Shape.Name), (refused.Layer, refused.Expert, refused.Tensor));
        Assert.NotNull(refused.MicroBatch);
        Assert.Contains($"expert {expert} of layer {layer}", refused.Message, StringComparison.Ordinal);
        Assert.Contains($"micro-batch {refused.MicroBatch}", refused.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("layers.1.o_proj", 1)]
    [InlineData("layers.2.router", 2)]
    [InlineData("lm_head", null)]
    public async Task A_value_of_a_dense_tensor_is_named(string tensor, int? layer)
    {
        MoEModel model = await TrainedAsync();
        DeviceSpan<float>[] replicas = [.. Enumerable.Range(0, Silos).Select(silo => Worker(silo).Parameters.Dense[tensor].Vector)];
        NonFiniteLossException refused = await RefusedAsync(model, replicas, 3, float.NaN);
        Assert.Equal((layer, null, tensor), (refused.Layer, refused.Expert, refused.Tensor));
        Assert.Contains(tensor, refused.Message, StringComparison.Ordinal);
    }

    [Theory, InlineData(0), InlineData(2), InlineData(6)]
    public async Task A_gradient_that_overflows_is_named_with_its_micro_batch_though_every_loss_is_finite(int microBatch)
    {
        // Huge hidden values that the last projection takes no notice of: the loss stays as it is, the gradient of that projection does not.
        const int Layer = 2, Expert = 1;
        MoEModel model = await TrainedAsync();
        ParameterBlock block = Shard(Layer, Expert);
        float[] before = block.Values.AsSpan().ToArray();
        foreach (Parameter parameter in block.Parameters)
        {
            bool last = parameter.Shape.Name == block.Parameters[^1].Shape.Name;
            foreach (ref float value in parameter.Vector.AsSpan())
            {
                value = last ? 0f : 5e17f * MathF.CopySign(1f, value);
            }
        }

        DeviceSpan<float>[] heads = [.. Enumerable.Range(0, Silos).Select(silo => Worker(silo).Parameters.Dense["lm_head"].Vector)];
        float[] head = heads[0].AsSpan().ToArray();
        Array.ForEach(heads, one => Scale(one, 1e6f));
        ulong fingerprint = await model.FingerprintAsync(Cancellation);
        MicroBatch[] batch = [.. TrainingRuns.Batch(Run, 2).Select((one, index) => index < microBatch ? Masked(one) : one)];
        NonFiniteLossException refused = await Assert.ThrowsAsync<NonFiniteLossException>(() => model.TrainStepAsync(batch, Cancellation));
        Assert.Equal(
            (microBatch, Layer, Expert, block.Prefix + block.Parameters[^1].Shape.Name), (refused.MicroBatch, refused.Layer, refused.Expert, refused.Tensor));
        Assert.Contains($"gradient of expert {Expert} of layer {Layer}", refused.Message, StringComparison.Ordinal);
        Assert.Equal(fingerprint, await model.FingerprintAsync(Cancellation));

        before.CopyTo(block.Values.AsSpan());
        Array.ForEach(heads, one => head.CopyTo(one.AsSpan()));
        await AssertGoesOnAsync(model);
    }

    [Fact]
    public async Task Activations_that_overflow_name_the_first_gate_that_they_reach()
    {
        // Every parameter is finite; their products are not. The gate behind is the first to see it.
        MoEModel model = await TrainedAsync();
        DeviceSpan<float>[] replicas = [.. Enumerable.Range(0, Silos).Select(silo => Worker(silo).Parameters.Dense["layers.1.mlp.down"].Vector)];
        float[] before = replicas[0].AsSpan().ToArray();
        Array.ForEach(replicas, one => one.AsSpan().Fill(3e38f));
        NonFiniteLossException refused =
            await Assert.ThrowsAsync<NonFiniteLossException>(() => model.TrainStepAsync(TrainingRuns.Batch(Run, 2), Cancellation));
        Array.ForEach(replicas, one => before.CopyTo(one.AsSpan()));
        Assert.Equal((0, 2, (int?)null, (string?)null), (refused.MicroBatch, refused.Layer, refused.Expert, refused.Tensor));
        await AssertGoesOnAsync(model);
    }

    /// <summary>Trains with one value spoilt, mends it, and goes on.</summary>
    private async Task<NonFiniteLossException> RefusedAsync(MoEModel model, DeviceSpan<float>[] replicas, int element, float value)
    {
        float healthy = replicas[0].AsSpan()[element];
        Array.ForEach(replicas, one => one.AsSpan()[element] = value);
        NonFiniteLossException refused =
            await Assert.ThrowsAsync<NonFiniteLossException>(() => model.TrainStepAsync(TrainingRuns.Batch(Run, 2), Cancellation));
        Array.ForEach(replicas, one => one.AsSpan()[element] = healthy);
        Assert.Equal(2, refused.Step);
        await AssertGoesOnAsync(model);
        return refused;
    }

    /// <summary>The step is free again, and gives the bits of a run that was never spoilt.</summary>
    private async Task AssertGoesOnAsync(MoEModel model)
    {
        MoEModel other = await _cluster.Client.CreateModelAsync(_cluster["other"], Run, null, Cancellation);
        TrainingTrace expected = await TrainingTrace.OfAsync(other, 3);
        TrainingTrace rest = await TrainingTrace.OfAsync(model, 2);
        (expected with { Losses = expected.Losses[1..], Norms = expected.Norms[1..] }).AssertSame(rest, "after a refused step");
        Assert.Equal(1, (await model.GetStatusAsync(Cancellation)).View);
    }

    [Theory]
    [InlineData(0f)]
    [InlineData(1f)]
    public async Task A_text_is_not_drawn_from_logits_that_are_no_numbers(float temperature)
    {
        MoEModel model = await TrainedAsync();
        DeviceSpan<float> head = Worker(0).Parameters.Dense["lm_head"].Vector;
        float before = head.AsSpan()[0];
        head.AsSpan()[0] = float.NaN;
        NonFiniteOutputException refused = await Assert.ThrowsAsync<NonFiniteOutputException>(
            async () => await model.GenerateAsync([1, 2], 20, temperature, cancellationToken: Cancellation).ToArrayAsync(Cancellation));
        Assert.Contains($"'{model.Name}' cannot go on with the text", refused.Message, StringComparison.Ordinal);

        head.AsSpan()[0] = before;
        Assert.Equal(20, (await model.GenerateAsync([1, 2], 20, temperature, cancellationToken: Cancellation).ToArrayAsync(Cancellation)).Length);
        Assert.Equal(1, (await model.GetStatusAsync(Cancellation)).View);
    }

    private async Task<MoEModel> TrainedAsync()
    {
        MoEModel model = await _cluster.Client.CreateModelAsync(_cluster["m"], Run, null, Cancellation);
        await TrainingTrace.OfAsync(model, 1);
        return model;
    }

    private WorkerModel Worker(int silo) => _cluster.Host(silo).ModelAt(_cluster["m"], silo)!;

    private ParameterBlock Shard(int layer, int expert)
    {
        var shard = new ExpertId(layer, expert);
        return Enumerable.Range(0, Silos).Select(Worker).Single(model => model.Parameters.Shards.Contains(shard)).Parameters.Shards[shard];
    }

    private static MicroBatch Masked(MicroBatch batch) => batch with { Targets = [.. batch.Targets.Select(_ => -1)] };

    private static void Scale(DeviceSpan<float> values, float factor)
    {
        foreach (ref float value in values.AsSpan())
        {
            value *= factor;
        }
    }
}
