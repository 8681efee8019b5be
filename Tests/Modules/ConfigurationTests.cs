using MoEActors.Modules.Gates;
using MoEActors.Modules.Models;
using MoEActors.Modules.Optimizers;
using MoEActors.Tests.Support;

namespace MoEActors.Tests.Modules;

/// <summary>A configuration says all that is wrong with it at once, and survives being written down.</summary>
public sealed class ConfigurationTests
{
    [Fact]
    public void Every_error_is_listed_and_names_its_property()
    {
        var run = new RunConfiguration
        {
            Model = new ModelConfiguration
            {
                Vocabulary = 0,
                Dim = 10,
                Heads = 4,
                KeyValueHeads = 3,
                Hidden = -1,
                Experts = [4, -1, 2],
                Expert = "relu",
                Gate = new GateOptions { TopK = 3, CapacityFactor = float.NaN, MinimumCapacity = -1, ZCoefficient = -1 },
                MaximumSequence = 0,
                RmsEpsilon = 0,
            },
            Optimizer = new OptimizerOptions
            {
                LearningRate = float.PositiveInfinity,
                WeightDecay = -1,
                ClipNorm = float.NaN,
                Beta1 = 1,
                Beta2 = -0.1f,
                FinalShare = 2,
                Epsilon = 0,
                TotalSteps = 0,
            },
            MicroBatches = 0,
        };

        ModelConfigurationException refused = Assert.Throws<ModelConfigurationException>(run.Validate);

        string[] expected =
        [
            "Vocabulary is 0", "Dim is 10", "KeyValueHeads is 3", "Hidden is -1", "MaximumSequence is 0", "RmsEpsilon 0", "'relu'", "Experts[1] is -1",
            "Layer 2: TopK is 3", "Layer 0: CapacityFactor is NaN", "Layer 0: MinimumCapacity is -1", "ZCoefficient is -1", "LearningRate is", "WeightDecay is -1",
            "ClipNorm is NaN", "Beta1 is 1", "Beta2 is -0.1", "FinalShare is 2", "Epsilon is 0", "TotalSteps 0", "MicroBatches is 0",
        ];
        Assert.All(expected, words => Assert.Contains(refused.Errors, error => error.Contains(words, StringComparison.Ordinal)));
        Assert.Contains("relu", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void No_layers_are_an_error_and_a_fraction_is_no_fixed_capacity()
    {
        Assert.Contains("Layers is 0", Assert.Single(Assert.Throws<ModelConfigurationException>(new ModelConfiguration { Experts = [] }.Validate).Errors), StringComparison.Ordinal);
        Assert.NotEmpty(new GateOptions { CapacityFactor = -0.5f }.Errors(4));
        Assert.Empty(new GateOptions { CapacityFactor = -3 }.Errors(4));
    }

    [Fact]
    public void Sizes_whose_products_overflow_are_named()
    {
        ModelConfiguration[] cases =
        [
            new() { Dim = 1 << 24, Heads = 1, KeyValueHeads = 1 },
            new() { Vocabulary = 1 << 24, Dim = 64, Heads = 1, KeyValueHeads = 1, Hidden = 1 },
            new() { Hidden = 1 << 24 },
            new() { SharedExperts = 1 << 24 },
            new() { Experts = [1 << 24, 1 << 24] },
            new() { Gate = new GateOptions { Kind = "cosine", ProjectionDim = int.MaxValue } },
        ];
        Assert.All(cases, model => Assert.Contains("parameters", Assert.Throws<ModelConfigurationException>(model.Validate).Errors[0], StringComparison.Ordinal));
        foreach (int size in new[] { (1 << 24) + 1, int.MaxValue })
        {
            Assert.Contains($"Dim is {size}", Assert.Throws<ModelConfigurationException>(new ModelConfiguration { Dim = size }.Validate).Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void The_number_of_parameters_is_that_of_the_layout()
    {
        ModelConfiguration model = TrainingRuns.Small.Model;
        long expected = ModelLayout.Dense(model).Sum(shape => (long)shape.Count) + 12 * ModelLayout.Expert(model).Sum(shape => (long)shape.Count);
        Assert.Equal(expected, ModelLayout.ParameterCount(model));
    }

    [Fact]
    public void A_run_reads_back_as_it_was_written()
    {
        RunConfiguration run = TrainingRuns.With("gelu", new GateOptions { Scores = GateScores.Sigmoid, CapacityFactor = 1.1f });
        string json = run.ToJson();
        Assert.Equal(json, RunConfiguration.FromJson(json).ToJson());
        Assert.Contains("\"sigmoid\"", json, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("{ \"model\": null }")]
    [InlineData("{ \"model\": { \"expert\": null } }")]
    [InlineData("{ \"model\": { \"experts\": null } }")]
    [InlineData("{ \"modle\": { } }")]
    [InlineData("{ \"microBatches\": 1.5 }")]
    [InlineData("[1, 2]")]
    [InlineData("{ \"microBatches\": 1, \"microBatches\": 2 }")]
    [InlineData("{ \"\ud800\": 1 }")]
    public void Text_that_is_no_run_is_refused(string json) => Assert.Throws<ModelConfigurationException>(() => RunConfiguration.FromJson(json));

    [Theory]
    [InlineData(0f, 0, 10, 4, int.MaxValue)]
    [InlineData(1f, 0, 10, 4, 6)]
    [InlineData(0.5f, 0, 10, 4, 4)]
    [InlineData(0.5f, 7, 10, 4, 7)]
    [InlineData(1f, 0, 0, 4, 0)]
    [InlineData(-3f, 9, 10, 4, 3)]
    [InlineData(3e38f, 0, 10, 4, int.MaxValue)]
    [InlineData(-3e38f, 0, 10, 4, int.MaxValue)]
    public void Capacity_is_k_times_the_rounded_up_share(float factor, int minimum, int tokens, int experts, int expected) =>
        Assert.Equal(expected, new GateOptions { TopK = 2, CapacityFactor = factor, MinimumCapacity = minimum }.Capacity(tokens, experts));
}
