using MoEActors.Modules.Gates;
using MoEActors.Modules.Models;

namespace MoEActors.Tests.Gates;

/// <summary>The configuration of gates: JSON there and back, and every error at once.</summary>
public class GateOptionsTests
{
    public static TheoryData<string> Cases => GateReferenceTests.Cases;

    [Theory]
    [MemberData(nameof(Cases))]
    public void A_configuration_survives_json(string name)
    {
        GateOptions gate = GateCase.All[name].Options;
        var run = new RunConfiguration { Model = DecoderRun.Small(gate) with { Experts = [8], SharedExperts = 2, Expert = "gelu" } };
        RunConfiguration back = RunConfiguration.FromJson(run.ToJson());
        Assert.Equal(gate, back.Model.Gate);
        Assert.Equal((2, false, "gelu"), (back.Model.SharedExperts, back.Model.Residual, back.Model.Expert));
    }

    [Fact]
    public void Names_in_json_are_in_words()
    {
        string json = new RunConfiguration
        {
            Model = new ModelConfiguration
            {
                Gate = new GateOptions { Kind = "cosine", Priority = SlotPriority.Score, Balance = BalanceLossKind.LoadImportance, Noise = 1 },
                Residual = true,
            },
        }.ToJson();
        foreach (string expected in new[] { "\"kind\": \"cosine\"", "\"priority\": \"score\"", "\"balance\": \"loadImportance\"", "\"residual\": true" })
        {
            Assert.Contains(expected, json, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Every_error_is_listed()
    {
        var gate = new GateOptions
        {
            TopK = 9,
            CapacityFactor = float.NaN,
            MinimumCapacity = -1,
            RoutedScale = 0,
            Noise = -1,
            Jitter = 1,
            Groups = 3,
            BiasUpdateRate = -1,
            BalanceCoefficient = -1,
            ZCoefficient = float.PositiveInfinity,
            Scores = (GateScores)7,
            Priority = (SlotPriority)7,
            Balance = (BalanceLossKind)7,
            Kind = "top",
        };
        string[] errors = [.. gate.Errors(8)];
        string[] expected =
        [
            "TopK", "CapacityFactor", "MinimumCapacity", "RoutedScale", "Noise", "Jitter", "Groups", "BiasUpdateRate", "BalanceCoefficient",
            "ZCoefficient", "Scores", "Priority", "Balance", "Kind",
        ];
        Assert.Equal(expected.Order(), errors.Select(error => error.Split(' ')[0]).Order());
    }

    public static TheoryData<string, GateOptions> Contradictions => new()
    {
        { "MinimumCapacity", new GateOptions { MinimumCapacity = 4 } },
        { "TopGroups", new GateOptions { Groups = 2, TopGroups = 3 } },
        { "TopGroups", new GateOptions { Groups = 4, TopGroups = 1, TopK = 3 } },
        { "Balance", new GateOptions { Balance = BalanceLossKind.LoadImportance } },
        { "Balance", new GateOptions { Balance = BalanceLossKind.LoadImportance, Noise = 1, Scores = GateScores.Sigmoid } },
        { "Balance", new GateOptions { Balance = BalanceLossKind.LoadImportance, Noise = 1, Groups = 2 } },
        { "BiasUpdateRate", new GateOptions { BiasUpdateRate = 0.1f } },
        { "SecondChoiceNoise", new GateOptions { SecondChoiceNoise = -1 } },
        { "SecondChoiceNoise", new GateOptions { SecondChoiceNoise = 1, TopK = 1 } },
        { "SecondChoiceNoise", new GateOptions { SecondChoiceNoise = 1, Scores = GateScores.Sigmoid } },
        { "SecondChoiceNoise", new GateOptions { SecondChoiceNoise = 1, Noise = 1, Balance = BalanceLossKind.LoadImportance } },
        { "SecondChoiceNoise", new GateOptions { Kind = "expert-choice", CapacityFactor = 1, SecondChoiceNoise = 1 } },
        { "ProjectionDim", new GateOptions { Kind = "cosine", ProjectionDim = 0 } },
        { "CapacityFactor", new GateOptions { Kind = "expert-choice" } },
        { "Priority", new GateOptions { Kind = "expert-choice", CapacityFactor = 1, Priority = SlotPriority.Random } },
        { "Groups", new GateOptions { Kind = "expert-choice", CapacityFactor = 1, Groups = 2, TopGroups = 2 } },
        { "BiasUpdateRate", new GateOptions { Kind = "expert-choice", CapacityFactor = 1, Scores = GateScores.Sigmoid, BiasUpdateRate = 0.1f } },
        { "Balance", new GateOptions { Kind = "expert-choice", CapacityFactor = 1, Noise = 1, Balance = BalanceLossKind.LoadImportance } },
    };

    [Theory]
    [MemberData(nameof(Contradictions), DisableDiscoveryEnumeration = true)]
    public void What_contradicts_itself_is_named(string property, GateOptions gate) =>
        Assert.StartsWith($"{property} is ", Assert.Single(gate.Errors(8)), StringComparison.Ordinal);

    [Fact]
    public void Shared_experts_and_the_residual_form_exclude_each_other()
    {
        ModelConfigurationException both = Assert.Throws<ModelConfigurationException>(
            () => (DecoderRun.Small(new GateOptions()) with { SharedExperts = 1, Residual = true }).Validate());
        Assert.Contains("Residual", both.Message, StringComparison.Ordinal);
        Assert.Throws<ModelConfigurationException>(() => (DecoderRun.Small(new GateOptions()) with { SharedExperts = -1 }).Validate());
    }

    [Fact]
    public void An_unknown_gate_is_answered_with_those_there_are() =>
        Assert.Contains("top-any, cosine, expert-choice", Assert.Throws<ArgumentException>(() => ModelKinds.BuiltIn.Gates.Get("top")).Message, StringComparison.Ordinal);
}
