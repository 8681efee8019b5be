using MoEActors.Client;
using MoEActors.Grains.Interfaces;
using MoEActors.Grains.Interfaces.Errors;
using MoEActors.Grains.Interfaces.Gates;
using MoEActors.Grains.Interfaces.Training;
using MoEActors.Modules.Checkpoints;
using MoEActors.Modules.Gates;
using MoEActors.Modules.Models;
using MoEActors.Tests.Client.Data;
using MoEActors.Tests.Support;
using MoEActors.Workers.Commands;

namespace MoEActors.Tests.Gates;

/// <summary>Routing policies that change while a model is trained: on all workers alike, whatever happens to them.</summary>
public sealed class LivePolicyTests
{
    private const int StepsBetween = 2;

    private static readonly RunConfiguration Run = TrainingRuns.With("swiglu", new GateOptions { TopK = 2 });

    /// <summary>k up and down, limits and noise, on either layer.</summary>
    private static readonly (int Layer, Func<GateOptions, GateOptions> Change)[] Changes =
    [
        (0, gate => gate with { TopK = 5 }),
        (2, gate => gate with { TopK = 1, CapacityFactor = 0.7f, MinimumCapacity = 1, Noise = 1f }),
        (0, gate => gate with { TopK = 3, Jitter = 0.1f, BalanceCoefficient = 0.2f, Balance = BalanceLossKind.AllChoices }),
        (2, gate => gate with { TopK = 7, CapacityFactor = 0, MinimumCapacity = 0, ZCoefficient = 0 }),
    ];

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_same_changes_at_the_same_steps_give_the_same_bits_on_one_to_four_silos()
    {
        TrainingTrace[]? expected = null;
        foreach (int silos in new[] { 1, 2, 3, 4 })
        {
            await using TrainingCluster cluster = await TrainingCluster.RentAsync(silos);
            MoEModel model = await cluster.Client.CreateModelAsync(cluster["m"], Run, null, Cancellation);
            var traces = new TrainingTrace[Changes.Length];
            for (int i = 0; i < Changes.Length; i++)
            {
                traces[i] = await ChangeAndTrainAsync(model, i);
            }

            for (int i = 0; i < Changes.Length; i++)
            {
                (expected ??= traces)[i].AssertSame(traces[i], $"{silos} silos, change {i}");
            }
        }

        Assert.Equal(Changes.Length, expected!.Select(trace => trace.Fingerprint).Distinct().Count());
    }

    [Fact]
    public async Task A_changed_gate_trains_like_one_that_was_configured_so_from_the_start()
    {
        var changed = new GateOptions { TopK = 1, CapacityFactor = 1.1f, Priority = SlotPriority.Score };
        await using TrainingCluster cluster = await TrainingCluster.RentAsync(2);
        MoEModel built = await cluster.Client.CreateModelAsync(cluster["built"], TrainingRuns.With("swiglu", changed), null, Cancellation);
        MoEModel live = await cluster.Client.CreateModelAsync(cluster["live"], Run, null, Cancellation);
        foreach (int layer in Run.Model.MoELayers)
        {
            GatePolicy policy = await live.ConfigureGateAsync(layer, _ => changed, Cancellation);
            Assert.Equal(new GatePolicy(layer, 1, changed), policy);
        }

        (await TrainingTrace.OfAsync(built, 3)).AssertSame(await TrainingTrace.OfAsync(live, 3), "changed before the first step");
    }

    [Fact]
    public async Task Policies_survive_moves_failed_epochs_coordinators_and_checkpoints()
    {
        using var folder = new TemporaryFolder();
        await using TrainingCluster cluster = await TrainingCluster.RentAsync(3);
        MoEModel still = await cluster.Client.CreateModelAsync(cluster["still"], Run, null, Cancellation);
        MoEModel model = await cluster.Client.CreateModelAsync(cluster["m"], Run, null, Cancellation);
        TrainingTrace[] expected = new TrainingTrace[Changes.Length];
        for (int i = 0; i < Changes.Length; i++)
        {
            expected[i] = await ChangeAndTrainAsync(still, i);
        }

        expected[0].AssertSame(await ChangeAndTrainAsync(model, 0), "undisturbed");

        await ChangeAsync(model, 1);
        await model.MoveExpertAsync(0, 0, 2, Cancellation);
        cluster.DataPlane.FailAt(1, 9, new InvalidOperationException("the device burned"));
        await Assert.ThrowsAsync<ViewFailedException>(() => model.TrainStepAsync(TrainingRuns.Batch(Run, model.Step + 1), Cancellation));
        expected[1].AssertSame(await TrainingTrace.OfAsync(model, StepsBetween), "after a move and a failed epoch");

        await ChangeAsync(model, 2);
        await ManualCoordinator.TakeAsync(cluster, cluster["m"]);
        expected[2].AssertSame(await TrainingTrace.OfAsync(model, StepsBetween), "after another coordinator");

        GatePolicy last = await ChangeAsync(model, 3);
        await model.SaveAsync(folder.Path, cancellationToken: Cancellation);
        await using TrainingCluster later = await TrainingCluster.RentAsync(2);
        MoEModel resumed = await later.Client.RestoreModelAsync(later["m"], folder.Path, null, Cancellation);
        LayerGateStatus gate = await resumed.GetGateStatusAsync(2, Cancellation);
        Assert.Equal((last.Options, last.FromStep), (gate.Policy, gate.FromStep));
        expected[3].AssertSame(await TrainingTrace.OfAsync(resumed, StepsBetween), "after resuming");
    }

    [Fact]
    public async Task A_change_that_a_coordinator_did_not_write_down_never_was()
    {
        await using TrainingCluster cluster = await TrainingCluster.RentAsync(2);
        TrainingTrace expected = await TrainingTrace.OfAsync(await cluster.Client.CreateModelAsync(cluster["still"], Run, null, Cancellation), 3);
        MoEModel model = await cluster.Client.CreateModelAsync(cluster["m"], Run, null, Cancellation);
        await TrainingTrace.OfAsync(model, 1);
        ManualCoordinator coordinator = await ManualCoordinator.TakeAsync(cluster, cluster["m"]);
        await coordinator.EverywhereAsync(1, _ => new ConfigureGatesCommand([new GatePolicy(0, 2, new GateOptions { TopK = 1 })]));
        Assert.Equal(1, (await StatusOfAsync(cluster, rank: 0)).Policy.Options.TopK);

        TrainingTrace rest = await TrainingTrace.OfAsync(model, 2);
        (expected with { Losses = expected.Losses[1..], Norms = expected.Norms[1..] }).AssertSame(rest, "after a change that was not written down");
        Assert.Equal(2, (await StatusOfAsync(cluster, rank: 0)).Policy.Options.TopK);
    }

    [Fact]
    public async Task A_worker_whose_gate_refuses_a_policy_says_so_and_works_on()
    {
        await using TrainingCluster cluster = await TrainingCluster.RentAsync(2);
        MoEModel model = await cluster.Client.CreateModelAsync(cluster["m"], Run, null, Cancellation);
        ManualCoordinator coordinator = await ManualCoordinator.TakeAsync(cluster, cluster["m"]);
        cluster.Host(0).Submit(coordinator.Head(1), new ConfigureGatesCommand([new GatePolicy(2, 1, new GateOptions { TopK = 40 })]));
        HostReport? report = await cluster.Host(0).PollAsync(cluster["m"], coordinator.Term, 1, TimeSpan.FromSeconds(20));
        Assert.Null(report!.Failure);
        Assert.Contains("TopK is 40", Assert.IsType<GatesReport>(Assert.Single(report.Workers)).Error, StringComparison.Ordinal);
        Assert.Equal(1, (await model.TrainStepAsync(TrainingRuns.Batch(Run, 1), Cancellation)).Step);
    }

    [Fact]
    public async Task A_change_that_a_member_does_not_hear_of_is_made_in_the_next_view()
    {
        await using TrainingCluster cluster = await TrainingCluster.RentAsync(3);
        MoEModel undisturbed = await cluster.Client.CreateModelAsync(cluster["still"], Run, null, Cancellation);
        await TrainingTrace.OfAsync(undisturbed, 1);
        await undisturbed.ConfigureGateAsync(0, gate => gate with { TopK = 1 }, Cancellation);
        MoEModel model = await cluster.Client.CreateModelAsync(cluster["m"], Run, null, Cancellation);
        await TrainingTrace.OfAsync(model, 1);
        cluster.Calls.Lose(call => TrainingCalls.OrderOf(call) is ConfigureGatesCommand, 2);
        await model.ConfigureGateAsync(0, gate => gate with { TopK = 1 }, Cancellation);
        cluster.Calls.Reset();

        (await TrainingTrace.OfAsync(undisturbed, 2)).AssertSame(await TrainingTrace.OfAsync(model, 2), "after a change that was lost once");
        Assert.Equal(1, (await model.GetGateStatusAsync(0, Cancellation)).Policy.TopK);
        Assert.Equal(2, (await model.GetStatusAsync(Cancellation)).View);
    }

    [Fact]
    public async Task A_change_that_cannot_be_is_refused_with_every_error_and_the_layer()
    {
        await using TrainingCluster cluster = await TrainingCluster.RentAsync(2);
        MoEModel model = await cluster.Client.CreateModelAsync(cluster["m"], Run, null, Cancellation);
        InvalidRequestException refused = await Assert.ThrowsAsync<InvalidRequestException>(() => model.ConfigureGateAsync(
            0, gate => gate with { Kind = "cosine", Scores = GateScores.Sigmoid, TopK = 6, Noise = -1, CapacityFactor = float.PositiveInfinity }, Cancellation));
        Assert.All(
            ["layer 0", "Kind is ", "Scores is ", "TopK is 6", "Noise is -1", "CapacityFactor is "],
            word => Assert.Contains(word, refused.Message, StringComparison.Ordinal));
        foreach (int layer in new[] { -1, 1, 3 })
        {
            await Assert.ThrowsAsync<InvalidRequestException>(() => model.ConfigureGateAsync(layer, gate => gate, Cancellation));
            await Assert.ThrowsAsync<InvalidRequestException>(() => model.GetGateStatusAsync(layer, Cancellation));
        }

        // What is in force already is no change.
        Assert.Equal(1, (await model.ConfigureGateAsync(2, gate => gate, Cancellation)).FromStep);
        Assert.Empty((await model.GetStatusAsync(Cancellation)).Gates);
        Assert.Equal(1, (await model.TrainStepAsync(TrainingRuns.Batch(Run, 1), Cancellation)).Step);
    }

    [Fact]
    public async Task A_checkpoint_with_a_policy_that_cannot_work_is_refused()
    {
        using var folder = new TemporaryFolder();
        await using TrainingCluster cluster = await TrainingCluster.RentAsync(1);
        MoEModel model = await cluster.Client.CreateModelAsync(cluster["m"], Run, null, Cancellation);
        await model.ConfigureGateAsync(0, gate => gate with { TopK = 4 }, Cancellation);
        await model.SaveAsync(folder.Path, cancellationToken: Cancellation);
        string index = Path.Combine(folder.Path, CheckpointFolder.IndexFile);
        string text = await File.ReadAllTextAsync(index, Cancellation);
        Assert.Contains("\"topK\": 4", text, StringComparison.Ordinal);
        await File.WriteAllTextAsync(index, text.Replace("\"topK\": 4", "\"topK\": 40", StringComparison.Ordinal), Cancellation);
        CheckpointFailedException refused =
            await Assert.ThrowsAsync<CheckpointFailedException>(() => cluster.Client.RestoreModelAsync(cluster["other"], folder.Path, null, Cancellation));
        Assert.Contains("layer 0 cannot work: TopK is 40", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Changes_of_two_clients_at_the_same_moment_both_hold()
    {
        await using TrainingCluster cluster = await TrainingCluster.RentAsync(2);
        MoEModel one = await cluster.Client.CreateModelAsync(cluster["m"], Run, null, Cancellation);
        MoEModel other = await cluster.Client.OpenModelAsync(cluster["m"], Cancellation);
        await Task.WhenAll(
            one.ConfigureGateAsync(2, gate => gate with { TopK = 4 }, Cancellation),
            other.ConfigureGateAsync(2, gate => gate with { Noise = 2f }, Cancellation),
            one.ConfigureGateAsync(2, gate => gate with { ZCoefficient = 0.5f }, Cancellation));
        Assert.Equal(
            new GateOptions { TopK = 4, Noise = 2f, ZCoefficient = 0.5f }, (await other.GetGateStatusAsync(2, Cancellation)).Policy);
    }

    [Fact]
    public async Task A_gates_status_is_that_of_the_last_step_on_any_number_of_silos()
    {
        LayerGateStatus? expected = null;
        foreach (int silos in new[] { 3, 1 })
        {
            await using TrainingCluster cluster = await TrainingCluster.RentAsync(silos);
            MoEModel model = await cluster.Client.CreateModelAsync(cluster["m"], Run, null, Cancellation);
            Assert.Equal(0, (await model.GetGateStatusAsync(2, Cancellation)).Step);
            await model.ConfigureGateAsync(2, gate => gate with { CapacityFactor = 0.5f, TopK = 3 }, Cancellation);
            await TrainingTrace.OfAsync(model, 1);
            StepOutcome step = await model.TrainStepAsync(TrainingRuns.Batch(Run, 2), Cancellation);
            LayerGateStatus gate = await model.GetGateStatusAsync(2, Cancellation);

            Assert.Equal((2L, 1L, silos, 3), (gate.Step, gate.FromStep, gate.Ranks.Count, gate.Policy.TopK));
            Assert.Equal(step.ChosenTokens[2], gate.ChosenTokens);
            Assert.Equal(step.KeptTokens[2], gate.KeptTokens);
            Assert.Equal(step.DroppedTokens[2], gate.DroppedTokens);
            Assert.True(gate.DroppedTokens.Sum() > 0, "Nothing was dropped.");
            Assert.Equal(step.RouterEntropy[2], gate.RouterEntropy);
            Assert.InRange(gate.RouterEntropy, 1e-3, Math.Log(Run.Model.Experts[2]));
            Assert.Equal(["balance", "z"], gate.AuxiliaryLosses.Select(loss => loss.Name));
            Assert.Equal(gate.AuxiliaryLosses[0].Value * 0.01f, gate.AuxiliaryLosses[0].Weighted, 1e-12);
            Assert.Equal((expected ??= gate).AuxiliaryLosses, gate.AuxiliaryLosses);
            Assert.Equal(expected.RouterEntropy, gate.RouterEntropy);
        }
    }

    private static async Task<TrainingTrace> ChangeAndTrainAsync(MoEModel model, int index)
    {
        await ChangeAsync(model, index);
        return await TrainingTrace.OfAsync(model, StepsBetween);
    }

    private static async Task<GatePolicy> ChangeAsync(MoEModel model, int index)
    {
        GatePolicy policy = await model.ConfigureGateAsync(Changes[index].Layer, Changes[index].Change, Cancellation);
        Assert.Equal(model.Step + 1, policy.FromStep);
        return policy;
    }

    private static Task<GateStatus> StatusOfAsync(TrainingCluster cluster, int rank) =>
        cluster.Silos.Client.GetGrain<IGateGrain>(GrainKeys.Gate(cluster["m"], 0, rank)).GetStatusAsync();
}
