using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using MoEActors.Client;
using MoEActors.Examples;
using MoEActors.Grains.Interfaces.Errors;
using MoEActors.Modules.Checkpoints;
using MoEActors.Modules.Experts;
using MoEActors.Modules.Gates;
using MoEActors.Modules.Models;
using MoEActors.Silo.Embedded;
using MoEActors.Tests.Cli;
using MoEActors.Tests.Client.Data;
using MoEActors.Tests.Support;

namespace MoEActors.Tests.Kinds;

/// <summary>Experts and gates that somebody else wrote, trained by name on a cluster.</summary>
public sealed class OwnKindTests
{
    private const int Steps = 6;

    private static readonly RunConfiguration Run =
        TrainingRuns.With("squared-relu", new GateOptions { Kind = "top-p", TopK = 3, CapacityFactor = 1.5f }) with { MicroBatches = 8 };

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task They_train_alike_on_any_number_of_silos_and_from_a_checkpoint()
    {
        using var folder = new TemporaryFolder();
        TrainingTrace? expected = null;
        for (int silos = 1; silos <= 4; silos++)
        {
            await using TrainingCluster cluster = await TrainingCluster.RentAsync(silos);
            MoEModel model = await cluster.Client.CreateModelAsync(cluster["m"], Run, null, Cancellation);
            TrainingTrace trace = await TrainingTrace.OfAsync(model, Steps);
            (expected ??= trace).AssertSame(trace, $"{silos} silos");
            if (silos == 3)
            {
                await model.SaveAsync(folder.Path, cancellationToken: Cancellation);
            }
        }

        await using TrainingCluster other = await TrainingCluster.RentAsync(2);
        MoEModel restored = await other.Client.RestoreModelAsync(other["m"], folder.Path, null, Cancellation);
        Assert.Equal(expected!.Fingerprint, await restored.FingerprintAsync(Cancellation));
        await restored.TrainStepAsync(TrainingRuns.Batch(Run, Steps + 1), Cancellation);
        MoEModel opened = await other.Client.OpenModelAsync(other["m"], Cancellation);
        Assert.Equal(Steps + 1, opened.Step);
        Assert.Equal(1, (await opened.ConfigureGateAsync(0, gate => gate with { TopK = 1 }, Cancellation)).Options.TopK);
        await Assert.ThrowsAsync<InvalidRequestException>(() => opened.ConfigureGateAsync(0, gate => gate with { TopK = 99 }, Cancellation));

        string index = await File.ReadAllTextAsync(Path.Combine(folder.Path, CheckpointFolder.IndexFile), Cancellation);
        Assert.Contains("\"model.layers.0.block_sparse_moe.experts.4.up.weight\"", index, StringComparison.Ordinal);
        Assert.Contains("\"model.layers.2.block_sparse_moe.gate.weight\"", index, StringComparison.Ordinal);

        CommandLineRun cli = await CommandLineRun.Of("generate", "--checkpoint", folder.Path);
        Assert.Equal((1, ""), (cli.ExitCode, cli.Output));
        Assert.Contains("Expert is 'squared-relu'; it must be one of swiglu, gelu", cli.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_silo_without_the_kind_is_named()
    {
        await using EmbeddedCluster cluster = await ClusterStarts.EmbeddedAsync(
            new EmbeddedClusterOptions
            {
                Silos = 2,
                GateKinds = [new TopPGate(0.6f)],
                ExpertKinds = [new SquaredReluExpert()],
                Configure = (index, silo) =>
                {
                    if (index == 1)
                    {
                        silo.Services.Replace(ServiceDescriptor.Singleton(ModelKinds.BuiltIn));
                    }
                },
            },
            Cancellation);
        MoEException refused = await Assert.ThrowsAnyAsync<MoEException>(() => cluster.Client.CreateModelAsync("m", Run, null, Cancellation));
        Assert.Contains("Expert is 'squared-relu'; it must be one of swiglu, gelu, or an expert of your own", refused.Message, StringComparison.Ordinal);
        Assert.Contains("added on every silo", refused.Message, StringComparison.Ordinal);

        // The cluster is as well as before.
        MoEModel other = await cluster.Client.CreateModelAsync("other", TrainingRuns.Small, null, Cancellation);
        await other.TrainStepAsync(TrainingRuns.Batch(TrainingRuns.Small, 1), Cancellation);
    }

    [Fact]
    public async Task A_name_that_nobody_added_is_refused_with_those_there_are()
    {
        await using TrainingCluster cluster = await TrainingCluster.RentAsync(1);
        ModelConfigurationException refused = await Assert.ThrowsAsync<ModelConfigurationException>(
            () => cluster.Client.CreateModelAsync(cluster["m"], TrainingRuns.With("relu3", new GateOptions { Kind = "top-q" }), null, Cancellation));
        Assert.Contains("Expert is 'relu3'; it must be one of swiglu, gelu, squared-relu, or", refused.Message, StringComparison.Ordinal);
        Assert.Contains("Kind is 'top-q'; it must be one of top-any, cosine, expert-choice, top-p, or", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_options_that_a_kind_cannot_work_with_are_refused()
    {
        ModelConfiguration model = TrainingRuns.With("swiglu", new GateOptions { Kind = "top-p", Scores = GateScores.Sigmoid }).Model;
        Assert.Contains("Layer 0: Scores is Sigmoid; a share of", string.Join(' ', model.Using(Own([], [new TopPGate(0.5f)])).Errors()), StringComparison.Ordinal);
    }

    [Theory, InlineData("swiglu"), InlineData("mine")]
    public async Task A_name_that_is_taken_is_refused(string name)
    {
        ArgumentException refused = await Assert.ThrowsAsync<ArgumentException>(() => ClusterStarts.EmbeddedAsync(
            new EmbeddedClusterOptions { Silos = 1, ExpertKinds = [new NamedExpert("mine"), new NamedExpert(name)] }, Cancellation));
        Assert.Contains($"NamedExpert is called '{name}', and so is {(name == "mine" ? "NamedExpert" : "SwiGluExpert")}", refused.Message, StringComparison.Ordinal);
    }

    [Theory, InlineData(""), InlineData("My Expert"), InlineData("a/b")]
    public void A_name_that_no_configuration_can_have_is_refused(string name) => Assert.Contains(
        "lower-case letters", Assert.Throws<ArgumentException>(() => Own([new NamedExpert(name)], [])).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("a,a", "'a' is the name of two tensors")]
    [InlineData(",b", "a tensor without a name")]
    [InlineData("none", "declares no tensor")]
    public void Tensors_that_cannot_be_kept_apart_are_refused(string tensors, string says)
    {
        ModelKinds kinds = Own([new NamedExpert("mine", tensors == "none" ? [] : tensors.Split(','))], []);
        ModelConfiguration model = (TrainingRuns.Small.Model with { Expert = "mine" }).Using(kinds);
        Assert.Contains(says, Assert.Single(model.Errors()), StringComparison.Ordinal);
    }

    [Fact]
    public void A_gate_may_not_use_the_name_of_a_tensor_of_its_layer()
    {
        ModelConfiguration model = TrainingRuns.With("swiglu", new GateOptions { Kind = "taken" }).Model.Using(Own([], [new NamedGate("taken", "o_proj")]));
        Assert.Contains(model.Errors(), error => error == "Gate is of Kind 'taken', but 'layers.0.o_proj' is the name of two tensors.");
    }

    private static ModelKinds Own(IReadOnlyList<IExpertKind> experts, IReadOnlyList<IGateKind> gates) => ModelKinds.BuiltIn.With(experts, gates);
}
