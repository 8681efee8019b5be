using MoEActors.Client;
using MoEActors.Grains.Interfaces.Errors;
using MoEActors.Grains.Interfaces.Training;
using MoEActors.Modules.Models;
using MoEActors.Tests.Cli;
using MoEActors.Tests.Client.Data;
using MoEActors.Tests.Support;

namespace MoEActors.Tests.Layers;

/// <summary>What a layer cannot do is refused with a typed error that says what to do, and the layer can be used afterwards.</summary>
public sealed class LayerRefusalTests : IAsyncLifetime
{
    private TrainingCluster _cluster = null!;
    private ClusterLayer _layer = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _cluster = await TrainingCluster.RentAsync(3);
        _layer = await _cluster.Client.CreateLayerAsync(_cluster["m"], LayerBackbone.Small, null, Cancellation);
    }

    public ValueTask DisposeAsync() => _cluster.DisposeAsync();

    [Fact]
    public async Task Calls_that_do_not_fit_change_nothing()
    {
        ClusterLayer other = await _cluster.Client.CreateLayerAsync(_cluster["other"], LayerBackbone.Small, null, Cancellation);
        LayerTrace expected = await LayerBackbone.TrainAsync(other, 1);
        float[] x = LayerBackbone.Values(101, 100), y = new float[100], big = new float[110];
        float[] bad = [.. x];
        bad[37] = float.NaN;

        await RefuseAsync("No forward waits", () => _layer.BackwardAsync(x, y, Cancellation));
        await RefuseAsync("no gradient to apply", () => _layer.ApplyAsync(Cancellation));
        await RefuseAsync("x has 0 elements", () => Forward(default, default));
        await RefuseAsync("x has 99 elements; it must be one or more whole rows of 10", () => Forward(x.AsMemory(1), y.AsMemory(1)));
        await RefuseAsync("y has 110 elements and x 100", () => Forward(x, big));
        await RefuseAsync("overlaps x by a part", () => Forward(big.AsMemory(0, 100), big.AsMemory(10)));
        await RefuseAsync("x is NaN at row 3, feature 7", () => Forward(bad, y));
        await RefuseAsync("must be finite", () => _layer.ForwardAsync(x, y, auxiliaryScale: float.NaN, cancellationToken: Cancellation));
        await _layer.ForwardAsync(x, y, auxiliaryScale: 0.5f, cancellationToken: Cancellation);
        await RefuseAsync("dy has 11 rows; the forward before had 10", () => _layer.BackwardAsync(big, big, Cancellation));
        await RefuseAsync("dy is NaN at row 3", () => _layer.BackwardAsync(bad, y, Cancellation));
        await RefuseAsync("no gradient to apply", () => _layer.ApplyAsync(Cancellation));
        await RefuseAsync("would lose the gradients of 1 passes", () => _layer.MoveExpertAsync(0, 1, Cancellation));

        // As if nothing had been asked.
        expected.AssertSame(await LayerBackbone.TrainAsync(_layer, 1), "after refusals");
    }

    [Fact]
    public async Task A_second_call_at_the_same_time_is_refused()
    {
        float[] x = LayerBackbone.Values(1, 100), y = new float[100];
        Task held = _cluster.DataPlane.HoldAt(rank: 1, calls: 2);
        Task first = Forward(x, y);
        await held;
        await RefuseAsync($"while another call to layer '{_layer.Name}' runs", () => Forward(x, new float[100]));
        await RefuseAsync("while another call", () => _layer.ApplyAsync(Cancellation));
        _cluster.DataPlane.Release();
        await first;
        await _layer.BackwardAsync(y, y, Cancellation);
        Assert.Equal(1, (await _layer.ApplyAsync(Cancellation)).Step);
    }

    [Fact]
    public async Task A_layer_is_no_model_and_a_model_no_layer()
    {
        MoEModel model = await _cluster.Client.CreateModelAsync(_cluster["model"], TrainingRuns.Small, null, Cancellation);
        await RefuseAsync("OpenLayerAsync", () => _cluster.Client.OpenModelAsync(_cluster["m"], Cancellation));
        await RefuseAsync("OpenLayerAsync", () => _cluster.Client.CreateModelAsync(_cluster["n"], LayerBackbone.Small.ToRun(), null, Cancellation));
        await RefuseAsync("OpenModelAsync", () => _cluster.Client.OpenLayerAsync(_cluster["model"], Cancellation));
        await RefuseAsync("exists with another configuration", () => _cluster.Client.CreateLayerAsync(_cluster["model"], LayerBackbone.Small, null, Cancellation));
        await RefuseAsync("exists with another configuration", () => _cluster.Client.CreateLayerAsync(_cluster["m"], LayerBackbone.Small with { Dim = 8 }, null, Cancellation));
        await model.TrainStepAsync(TrainingRuns.Batch(TrainingRuns.Small, 1), Cancellation);
        ModelConfigurationException mistakes = await Assert.ThrowsAsync<ModelConfigurationException>(() => _cluster.Client.CreateLayerAsync(
            _cluster["n"], new LayerConfiguration { Dim = 0, Experts = 0, Hidden = -1, MicroBatches = 0 }, null, Cancellation));
        Assert.Equal(4, mistakes.Errors.Count);
    }

    [Fact]
    public async Task A_client_without_the_door_is_told_so()
    {
        var elsewhere = new MoECluster(_cluster.Silos.Client);
        ClusterLayer layer = await elsewhere.OpenLayerAsync(_cluster["m"], Cancellation);
        NotSupportedException refused = await Assert.ThrowsAsync<NotSupportedException>(() => layer.ForwardAsync(new float[10], new float[10], cancellationToken: Cancellation));
        Assert.Contains("from the process of its silos", refused.Message, StringComparison.Ordinal);

        // A door that is not the silos'.
        ClusterLayer other = await new MoECluster(_cluster.Silos.Client, memory: new()).OpenLayerAsync(_cluster["m"], Cancellation);
        PassRefusedException unreachable =
            await Assert.ThrowsAsync<PassRefusedException>(() => other.ForwardAsync(new float[10], new float[10], cancellationToken: Cancellation));
        Assert.Contains("is in another process", unreachable.Message, StringComparison.Ordinal);
        await Forward(LayerBackbone.Values(1, 50), new float[50]);
    }

    [Fact]
    public async Task Gradients_that_went_with_their_epoch_are_refused_and_the_step_begins_anew()
    {
        ClusterLayer still = await _cluster.Client.CreateLayerAsync(_cluster["still"], LayerBackbone.Small, null, Cancellation);
        LayerTrace expected = await LayerBackbone.TrainAsync(still, 1);
        ClusterLayer other = await _cluster.Client.OpenLayerAsync(_cluster["m"], Cancellation);
        float[] x = LayerBackbone.Values(1, 50), y = new float[50];
        Func<Task>[] calls = [() => _layer.BackwardAsync(y, y, Cancellation), () => Forward(x, y), () => _layer.ApplyAsync(Cancellation)];
        for (int i = 0; i < calls.Length; i++)
        {
            await Forward(x, y);
            if (i > 0)
            {
                await _layer.BackwardAsync(x, y, Cancellation);
            }

            await other.MoveExpertAsync(0, i == 1 ? 0 : 2, Cancellation);
            PassRefusedException refused = await Assert.ThrowsAsync<PassRefusedException>(calls[i]);
            Assert.Contains("an expert has moved", refused.Message, StringComparison.Ordinal);
            Assert.Equal(0, _layer.Passes);
            await RefuseAsync("no gradient to apply", () => _layer.ApplyAsync(Cancellation));
        }

        expected.AssertSame(await LayerBackbone.TrainAsync(_layer, 1), "after moves");
    }

    [Theory]
    [InlineData(50)]
    [InlineData(70)]
    public async Task A_backward_after_another_clients_forward_is_refused(int rows)
    {
        ClusterLayer still = await _cluster.Client.CreateLayerAsync(_cluster["still"], LayerBackbone.Small, null, Cancellation);
        LayerTrace expected = await LayerBackbone.TrainAsync(still, 1);
        ClusterLayer other = await _cluster.Client.OpenLayerAsync(_cluster["m"], Cancellation);
        float[] x = LayerBackbone.Values(1, 50), y = new float[50], others = LayerBackbone.Values(2, rows);
        await Forward(x, y);
        await other.ForwardAsync(others, others, cancellationToken: Cancellation);
        PassRefusedException refused = await Assert.ThrowsAsync<PassRefusedException>(() => _layer.BackwardAsync(x, y, Cancellation));
        Assert.Contains("somebody else works with this layer", refused.Message, StringComparison.Ordinal);
        await other.BackwardAsync(others, others, Cancellation);
        expected.AssertSame(await LayerBackbone.TrainAsync(_layer, 1), "after another client");
    }

    [Fact]
    public async Task An_update_applies_the_passes_of_its_own_client_or_nothing()
    {
        ClusterLayer still = await _cluster.Client.CreateLayerAsync(_cluster["still"], LayerBackbone.Small, null, Cancellation);
        LayerTrace expected = await LayerBackbone.TrainAsync(still, 1);
        ClusterLayer other = await _cluster.Client.OpenLayerAsync(_cluster["m"], Cancellation);
        float[] x = LayerBackbone.Values(1, 50), others = LayerBackbone.Values(2, 50);
        await Forward(x, x);
        await _layer.BackwardAsync(x, x, Cancellation);
        await other.ForwardAsync(others, others, cancellationToken: Cancellation);
        await other.BackwardAsync(others, others, Cancellation);
        await Assert.ThrowsAsync<PassRefusedException>(() => _layer.ApplyAsync(Cancellation));
        expected.AssertSame(await LayerBackbone.TrainAsync(_layer, 1), "after another client");

        // The other's passes are gone, and it is not told that somebody else's update was its own.
        await Assert.ThrowsAsync<StepTakenException>(() => other.ApplyAsync(Cancellation));
    }

    [Fact]
    public async Task A_worker_that_fails_costs_the_step_alone()
    {
        ClusterLayer still = await _cluster.Client.CreateLayerAsync(_cluster["still"], LayerBackbone.Small, null, Cancellation);
        LayerTrace expected = await LayerBackbone.TrainAsync(still, 1);
        float[] x = LayerBackbone.Values(1, 50), y = new float[50];
        await Forward(x, y);
        _cluster.DataPlane.FailAt(rank: 1, calls: 3, new InvalidOperationException("out of luck"));
        ViewFailedException failed = await Assert.ThrowsAsync<ViewFailedException>(() => _layer.BackwardAsync(x, y, Cancellation));
        Assert.Contains("out of luck", failed.Message, StringComparison.Ordinal);
        await RefuseAsync("No forward waits", () => _layer.BackwardAsync(x, y, Cancellation));
        expected.AssertSame(await LayerBackbone.TrainAsync(_layer, 1), "after a failure");
    }

    [Fact]
    public async Task A_gradient_that_is_no_number_is_not_applied()
    {
        ulong before = await _layer.FingerprintAsync(Cancellation);
        float[] x = [.. LayerBackbone.Values(1, 50).Select(value => value * 1e30f)], y = new float[50];
        await Forward(x, y);
        await _layer.BackwardAsync(x, y, Cancellation);
        Assert.Equal(1, (await Assert.ThrowsAsync<NonFiniteLossException>(() => _layer.ApplyAsync(Cancellation))).Step);
        Assert.Equal(before, await _layer.FingerprintAsync(Cancellation));
        await RefuseAsync("no gradient to apply", () => _layer.ApplyAsync(Cancellation));
        await LayerBackbone.TrainAsync(_layer, 1);
        Assert.Equal(1, _layer.Step);
    }

    [Fact]
    public async Task Nobody_touches_the_memory_of_a_call_that_was_cancelled()
    {
        using var cancel = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        float[] x = LayerBackbone.Values(1, 100), y = new float[100];
        Task held = _cluster.DataPlane.HoldAt(rank: 1, calls: 2);
        Task call = _layer.ForwardAsync(x, y, cancellationToken: cancel.Token);
        await held;
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call);
        float[] written = [.. y];
        _cluster.DataPlane.Release();

        // Runs behind what was given up.
        await _layer.FingerprintAsync(Cancellation);
        Assert.Equal(written, y);
        await RefuseAsync("No forward waits", () => _layer.BackwardAsync(x, y, Cancellation));
        await LayerBackbone.TrainAsync(_layer, 1);
    }

    [Fact]
    public async Task An_update_that_nobody_waited_for_is_not_taken_for_the_next()
    {
        float[] x = LayerBackbone.Values(1, 100), y = new float[100];
        using var cancel = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        await Forward(x, y);
        await _layer.BackwardAsync(x, y, Cancellation);
        Task held = _cluster.DataPlane.HoldAt(rank: 1, calls: 1);
        Task update = _layer.ApplyAsync(cancel.Token);
        await held;
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => update);
        _cluster.DataPlane.Release();
        await Forward(x, y);
        await _layer.BackwardAsync(x, y, Cancellation);
        Assert.Equal(2, (await _layer.ApplyAsync(Cancellation)).Step);
    }

    [Fact]
    public async Task The_command_line_knows_models_alone()
    {
        using var folder = new TemporaryFolder();
        await _layer.SaveAsync(folder.Path, cancellationToken: Cancellation);
        CommandLineRun generate = await CommandLineRun.Of("generate", "--checkpoint", folder.Path);
        Assert.Equal((1, ""), (generate.ExitCode, generate.Output));
        Assert.Contains("is a layer without a backbone", generate.Error, StringComparison.Ordinal);
        string file = folder.Write(
            "run.json", """{ "model": { "trunk": "none", "dim": 8, "heads": 2, "keyValueHeads": 1, "hidden": 8, "experts": [4] } }""");
        CommandLineRun train = await CommandLineRun.Of("train", "--config", file);
        Assert.Equal(2, train.ExitCode);
        Assert.Contains("$.model.trunk is none", train.Error, StringComparison.Ordinal);
    }

    private Task<ForwardOutcome> Forward(ReadOnlyMemory<float> x, Memory<float> y) => _layer.ForwardAsync(x, y, cancellationToken: Cancellation);

    private static async Task RefuseAsync(string says, Func<Task> call) =>
        Assert.Contains(says, (await Assert.ThrowsAsync<InvalidRequestException>(call)).Message, StringComparison.Ordinal);
}
