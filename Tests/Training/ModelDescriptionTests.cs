using System.Text.Json;
using System.Text.Json.Nodes;
using MoEActors.Modules.Checkpoints;
using MoEActors.Modules.Gates;
using MoEActors.Modules.Models;

namespace MoEActors.Tests.Training;

/// <summary>config.json says Mixtral of what is a Mixtral, and of nothing else.</summary>
public sealed class ModelDescriptionTests
{
    private static readonly ModelConfiguration Mixtral = new();

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
            string run = $"{{\"model\":{ModelDescription.Of(model)["model"]!.ToJsonString()}}}";
            Assert.Equal(new RunConfiguration { Model = model }.ToJson(), RunConfiguration.FromJson(run).ToJson());
        });
    }

    private static (string, string, int?) Names(ModelConfiguration model)
    {
        model.Validate();
        JsonObject description = JsonNode.Parse(ModelDescription.Of(model).ToJsonString(new JsonSerializerOptions { WriteIndented = true }))!.AsObject();
        return ((string)description["model_type"]!, (string)description["architectures"]![0]!, (int?)description["num_local_experts"]);
    }
}
