using System.Diagnostics;
using Microsoft.Extensions.Options;
using MoEActors.Client;
using MoEActors.Examples;
using MoEActors.Grains.Interfaces.Errors;
using MoEActors.Modules.Gates;
using MoEActors.Modules.KindChecks;
using MoEActors.Modules.Kinds;
using MoEActors.Modules.Models;
using MoEActors.Silo.Embedded;
using MoEActors.Tests.Support;

namespace MoEActors.Tests.Kinds;

/// <summary>Kinds of one's own that are wrong are found when they are added, and say whose they are where they throw.</summary>
public sealed class KindCheckTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public static TheoryData<string> BuiltInGates => [.. ModelKinds.BuiltIn.Gates.Names];

    public static TheoryData<string> WrongExperts => [.. WrongExpert.Mistakes.Keys];

    public static TheoryData<string> WrongGates => [.. WrongGate.Mistakes.Keys];

    [Theory, InlineData("swiglu"), InlineData("gelu")]
    public void Experts_of_the_library_pass(string name) => ExpertKindCheck.Run(ModelKinds.BuiltIn.Experts.Get(name), dim: 6, hidden: 10);

    [Theory, MemberData(nameof(BuiltInGates))]
    public void Gates_of_the_library_pass(string name) => GateKindCheck.Run(ModelKinds.BuiltIn.Gates.Get(name));

    public static TheoryData<GateOptions> Policies =>
    [
        new GateOptions { TopK = 3, Scores = GateScores.Sigmoid, BiasUpdateRate = 0.01f, RoutedScale = 2.5f },
        new GateOptions { TopK = 2, CapacityFactor = 0.6f, Priority = SlotPriority.Random, Noise = 1, Jitter = 0.1f },
        new GateOptions { TopK = 2, SecondChoiceNoise = 1, Balance = BalanceLossKind.AllChoices },
        new GateOptions { TopK = 5, Renormalise = false },
        new GateOptions { Kind = "cosine", TopK = 1, ProjectionDim = 4 },
    ];

    [Theory, MemberData(nameof(Policies))]
    public void So_do_they_by_other_policies(GateOptions options) => GateKindCheck.Run(ModelKinds.BuiltIn.Gates.Get(options.Kind), options);

    [Fact]
    public void Kinds_of_the_examples_and_of_tests_pass()
    {
        ExpertKindCheck.Run(new SquaredReluExpert());
        ExpertKindCheck.Run(new SpareTensorExpert(1));
        ExpertKindCheck.Run(new CutExpert(byWidth: false));
        GateKindCheck.Run(new TopPGate(0.6f));
        GateKindCheck.Run(new SquaredSigmoidGate());
    }

    [Theory, MemberData(nameof(WrongExperts))]
    public void An_expert_that_is_wrong_is_found(string mistake)
    {
        KindException found = Assert.Throws<KindException>(() => ExpertKindCheck.Run(new WrongExpert(mistake)));
        Assert.StartsWith("Expert 'wrong' failed its check: ", found.Message, StringComparison.Ordinal);
        Assert.Contains(WrongExpert.Mistakes[mistake], found.Message, StringComparison.Ordinal);
        Assert.Equal(("wrong", KindPhase.Check, (int?)null), (found.Kind, found.Phase, found.Layer));
    }

    [Fact]
    public void An_expert_that_adds_a_gradient_twice_is_found() => Assert.Contains(
        "the gradient of", Assert.Throws<KindException>(() => ExpertKindCheck.Run(new SpareTensorExpert(2))).Message, StringComparison.Ordinal);

    [Fact]
    public void An_expert_that_is_no_sum_over_its_hidden_units_is_found() => Assert.Contains(
        "as the sum over slices of its hidden units", Assert.Throws<KindException>(() => ExpertKindCheck.Run(new CutExpert(byWidth: true))).Message, StringComparison.Ordinal);

    [Theory, MemberData(nameof(WrongGates))]
    public void A_gate_that_is_wrong_is_found(string mistake)
    {
        KindException found = Assert.Throws<KindException>(() => GateKindCheck.Run(new WrongGate(mistake)));
        Assert.StartsWith("Gate 'wrong' failed its check: ", found.Message, StringComparison.Ordinal);
        Assert.Contains(WrongGate.Mistakes[mistake], found.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_silo_does_not_start_with_a_wrong_kind_unless_it_is_told_to()
    {
        EmbeddedClusterOptions wrong = new() { Silos = 1, ThreadsPerWorker = 1, ExpertKinds = [new WrongExpert("throws in forward")], GateKinds = [new WrongGate("too wide")] };
        OptionsValidationException refused =
            await Assert.ThrowsAsync<OptionsValidationException>(() => ClusterStarts.EmbeddedAsync(wrong, Cancellation));
        Assert.Contains("Expert 'wrong' failed its check", refused.Message, StringComparison.Ordinal);
        Assert.Contains("Gate 'wrong' failed its check", refused.Message, StringComparison.Ordinal);

        // Told to, it starts, and what they do in training is named.
        await using EmbeddedCluster cluster = await ClusterStarts.EmbeddedAsync(wrong with { CheckKinds = false }, Cancellation);
        await AssertExpertIsNamedAsync(cluster, "forward");
        RunConfiguration run = TrainingRuns.With("swiglu", new GateOptions { Kind = "wrong" });
        MoEModel model = await cluster.Client.CreateModelAsync("wide", run, null, Cancellation);
        ViewFailedException failed = await Assert.ThrowsAsync<ViewFailedException>(() => model.TrainStepAsync(TrainingRuns.Batch(run, 1), Cancellation));
        Assert.Contains("Gate 'wrong' failed in layer 0, forward", failed.Message, StringComparison.Ordinal);
        Assert.Contains("as wide as 6 experts in a layer of 5", failed.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_an_expert_throws_on_one_of_several_silos_is_named_and_keeps_its_stack()
    {
        EmbeddedClusterOptions options = new() { Silos = 2, ThreadsPerWorker = 1, ExpertKinds = [new WrongExpert("throws in backward")], CheckKinds = false };
        await using EmbeddedCluster cluster = await ClusterStarts.EmbeddedAsync(options, Cancellation);
        await AssertExpertIsNamedAsync(cluster, "backward");
    }

    [Fact]
    public void A_check_takes_milliseconds()
    {
        ExpertKindCheck.Run(new SquaredReluExpert());
        GateKindCheck.Run(new TopPGate(0.6f));
        TimeSpan least = TimeSpan.MaxValue;
        for (int i = 0; i < 5; i++)
        {
            long started = Stopwatch.GetTimestamp();
            ExpertKindCheck.Run(new SquaredReluExpert());
            GateKindCheck.Run(new TopPGate(0.6f));
            TimeSpan taken = Stopwatch.GetElapsedTime(started);
            least = taken < least ? taken : least;
        }

        TestContext.Current.SendDiagnosticMessage($"Two checks took {least.TotalMilliseconds:0.0} ms.");
        Assert.True(least < TimeSpan.FromMilliseconds(200), $"Two checks took {least.TotalMilliseconds:0.0} ms.");
    }

    private static async Task AssertExpertIsNamedAsync(EmbeddedCluster cluster, string phase)
    {
        RunConfiguration run = TrainingRuns.With("wrong", new GateOptions());
        MoEModel model = await cluster.Client.CreateModelAsync("m", run, null, Cancellation);
        ViewFailedException failed = await Assert.ThrowsAsync<ViewFailedException>(() => model.TrainStepAsync(TrainingRuns.Batch(run, 1), Cancellation));
        int layer = phase == "forward" ? 0 : 2;
        Assert.Contains($"Expert 'wrong' failed in layer {layer}, {phase}: FormatException: on purpose", failed.Message, StringComparison.Ordinal);
        Assert.Contains($"{nameof(WrongExpert)}.{(phase == "forward" ? "Forward" : "Backward")}", failed.InnerException?.Message, StringComparison.Ordinal);
    }
}
