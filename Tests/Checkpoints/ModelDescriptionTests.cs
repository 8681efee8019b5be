using System.Text.Json;
using System.Text.Json.Nodes;
using MoEActors.Client;
using MoEActors.Modules.Checkpoints;
using MoEActors.Modules.Gates;
using MoEActors.Modules.Models;
using MoEActors.Tests.Client.Data;
using MoEActors.Tests.Support;

namespace MoEActors.Tests.Checkpoints;

/// <summary>config.json says Mixtral of what is a Mixtral, and of nothing else.</summary>
public sealed class ModelDescriptionTests
{
    private static readonly ModelConfiguration Mixtral = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public void A_model_that_computes_what_Mixtral_computes_is_called_one()
    {
        ModelConfiguration[] same = [Mixtral, Mixtral with { Gate = new GateOptions { TopK = 3, Jitter = 0.1f, Noise = 1, BalanceCoefficient = 0 } }];
        Assert.All(same, model => Assert.Equal(("mixtral", "MixtralForCausalLM", 8), Names(model)));
    }

    [Fact]
    public void Any_other_has_a_name_that_nobody_takes_for_Mixtral_and_says_what_it_is()
    {
        ModelConfiguration[] others =
        [
            Mixtral with { Expert = "gelu" },
            Mixtral with { SharedExperts = 1 },
            Mixtral with { Residual = true },
            Mixtral with { Experts = [8, 0, 8, 8] },
            Mixtral with { Experts = [8, 8, 8, 16] },
            Mixtral with { Gate = new GateOptions { Kind = "cosine" } },
            Mixtral with { Gate = new GateOptions { Kind = "expert-choice", CapacityFactor = 1 } },
            Mixtral with { Gate = new GateOptions { Scores = GateScores.Sigmoid } },
            Mixtral with { Gate = new GateOptions { TopK = 1 } },
            Mixtral with { Gate = new GateOptions { Renormalise = false } },
            Mixtral with { Gate = new GateOptions { RoutedScale = 2 } },
            Mixtral with { Gate = new GateOptions { CapacityFactor = 1 } },
            Mixtral with { Gate = new GateOptions { Groups = 4, TopGroups = 2 } },
        ];
        Assert.All(others, model =>
        {
            Assert.Equal(("moeactors", "MoEActorsForCausalLM", null), Names(model));
            string run = $"{{\"model\":{ModelDescription.Of(model, [])["model"]!.ToJsonString()}}}";
            Assert.Equal(new RunConfiguration { Model = model }.ToJson(), RunConfiguration.FromJson(run).ToJson());
        });
    }

    [Fact]
    public void Policies_in_force_decide_what_a_model_is_called()
    {
        GatePolicy Layer(int layer, GateOptions options) => new(layer, 5, options);
        GateOptions three = new() { TopK = 3 }, noisy = new() { Noise = 1 }, limited = new() { CapacityFactor = 1 }, scaled = new() { RoutedScale = 2 };
        ModelConfiguration odd = Mixtral with { Gate = limited };
        (ModelConfiguration Model, GatePolicy[] Gates, bool Mixtral, string ExpertsPerToken)[] cases =
        [
            (Mixtral, [], true, "2"),
            (Mixtral, [Layer(1, noisy)], true, "2"),
            (Mixtral, [.. Enumerable.Range(0, 4).Select(layer => Layer(layer, three))], true, "3"),
            (odd, [.. Enumerable.Range(0, 4).Select(layer => Layer(layer, three))], true, "3"),
            (odd, [.. Enumerable.Range(0, 3).Select(layer => Layer(layer, three))], false, "[3,3,3,2]"),
            (Mixtral, [Layer(2, three)], false, "[2,2,3,2]"),
            (Mixtral, [Layer(3, limited)], false, "2"),
            (Mixtral, [Layer(0, scaled)], false, "2"),
            (Mixtral with { Experts = [8, 0, 8] }, [Layer(2, three)], false, "[2,3]"),
        ];
        Assert.All(cases, one =>
        {
            JsonObject description = ModelDescription.Of(one.Model, one.Gates);
            Assert.Equal(one.Mixtral ? "mixtral" : "moeactors", (string)description["model_type"]!);
            Assert.Equal(one.ExpertsPerToken, description["num_experts_per_tok"]!.ToJsonString());
            if (!one.Mixtral)
            {
                // What routes is the policy of a layer, or the model's.
                Assert.Equal(one.Model.Gate, GateOptions.FromJson(description["model"]!["gate"]!.ToJsonString()));
                Assert.Equal(one.Gates, description["gates"]!.AsArray().Select(gate => new GatePolicy(
                    (int)gate!["layer"]!, (long)gate["from_step"]!, GateOptions.FromJson(gate["options"]!.ToJsonString()))));
            }
        });
    }

    [Fact]
    public async Task A_saved_models_description_and_index_have_the_policies_in_force()
    {
        using var folder = new TemporaryFolder();
        await using TrainingCluster cluster = await TrainingCluster.RentAsync(2);
        RunConfiguration run = TrainingRuns.Small with { Model = TrainingRuns.Small.Model with { Experts = [4, 4] } };
        MoEModel model = await cluster.Client.CreateModelAsync(cluster["m"], run, null, Cancellation);
        Assert.Equal(("mixtral", "2"), await SavedAsync(model, folder.Path));

        await model.ConfigureGateAsync(0, gate => gate with { TopK = 3 }, Cancellation);
        await TrainingTrace.OfAsync(model, 1);
        await model.ConfigureGateAsync(1, gate => gate with { TopK = 4, RoutedScale = 2, CapacityFactor = 1.5f }, Cancellation);
        Assert.Equal(("moeactors", "[3,4]"), await SavedAsync(model, folder.Path));
        GatePolicy[] expected = (await model.GetStatusAsync(Cancellation)).Gates;
        Assert.Equal([(0, 1L), (1, 2L)], expected.Select(gate => (gate.Layer, gate.FromStep)));
        Assert.Equal(expected, CheckpointFolder.Open(folder.Path).Gates);
        MoEModel restored = await cluster.Client.RestoreModelAsync(cluster["again"], folder.Path, null, Cancellation);
        Assert.Equal(expected, (await restored.GetStatusAsync(Cancellation)).Gates);

        await restored.ConfigureGateAsync(1, _ => expected[0].Options, Cancellation);
        Assert.Equal(("mixtral", "3"), await SavedAsync(restored, folder.Path));
    }

    private static async Task<(string Type, string ExpertsPerToken)> SavedAsync(MoEModel model, string folder)
    {
        await model.SaveAsync(folder, cancellationToken: Cancellation);
        JsonNode saved = JsonNode.Parse(await File.ReadAllTextAsync(Path.Combine(folder, CheckpointFolder.ModelFile), Cancellation))!;
        return ((string)saved["model_type"]!, saved["num_experts_per_tok"]!.ToJsonString(new JsonSerializerOptions { WriteIndented = false }));
    }

    private static (string, string, int?) Names(ModelConfiguration model)
    {
        model.Validate();
        JsonObject description = JsonNode.Parse(ModelDescription.Of(model, []).ToJsonString(new JsonSerializerOptions { WriteIndented = true }))!.AsObject();
        return ((string)description["model_type"]!, (string)description["architectures"]![0]!, (int?)description["num_local_experts"]);
    }
}
