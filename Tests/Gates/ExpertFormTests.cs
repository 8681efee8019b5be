using MoEActors.Modules.Checkpoints;
using MoEActors.Modules.Gates;
using MoEActors.Modules.Models;
using MoEActors.Modules.Parameters;

namespace MoEActors.Tests.Gates;

/// <summary>Shared, residual and GELU experts, from the configuration to gradients and checkpoints.</summary>
public class ExpertFormTests
{
    private static readonly GateOptions Smooth = new() { TopK = 4, BalanceCoefficient = 0, ZCoefficient = 0.05f };

    /// <summary>
    /// The gradient of every tensor, along itself, against the difference of losses. All experts are chosen, so that no step across a
    /// boundary of the choice spoils a difference.
    /// </summary>
    [Theory]
    [InlineData("swiglu", 0, false)]
    [InlineData("swiglu", 2, false)]
    [InlineData("swiglu", 0, true)]
    [InlineData("gelu", 0, false)]
    [InlineData("gelu", 1, false)]
    [InlineData("gelu", 0, true)]
    public void Gradients_equal_differences_of_the_loss(string expert, int shared, bool residual)
    {
        using var run = new DecoderRun(DecoderRun.Small(Smooth) with
        {
            Experts = [4, 0],
            Expert = expert,
            SharedExperts = shared,
            Residual = residual,
        });
        run.Train(default);
        (string Name, Parameter Parameter, float[] Gradient)[] all =
        [
            .. run.Experts.Prepend(run.Dense).SelectMany(block => block.Parameters
                .Select(parameter => (block.Prefix + parameter.Shape.Name, parameter, parameter.GradientVector.AsSpan().ToArray()))),
        ];
        Assert.Equal(shared > 0, all.Any(entry => entry.Name.Contains("shared_experts.", StringComparison.Ordinal)));
        Assert.Equal(residual, all.Any(entry => entry.Name.Contains("residual_coefficient", StringComparison.Ordinal)));
        foreach ((string name, Parameter parameter, float[] gradient) in all)
        {
            double norm = Math.Sqrt(gradient.Sum(g => (double)g * g));
            Assert.True(norm > 1e-5, $"{name} has no gradient to speak of.");
            float[] start = parameter.Vector.AsSpan().ToArray();
            double Loss(double distance)
            {
                parameter.Vector.AsSpan().Clear();
                for (int i = 0; i < start.Length; i++)
                {
                    parameter.Vector.AsSpan()[i] = (float)(start[i] + distance * gradient[i] / norm);
                }

                MicroBatchLoss loss = run.Train(default);
                return loss.CrossEntropySum / run.Batch.TargetCount + loss.Auxiliary;
            }

            // Small where the loss is steep: embeddings are, as they start small.
            double step = Math.Min(5e-3, 2e-3 / norm);
            double slope = (Loss(step) - Loss(-step)) / (2 * step);
            Loss(0);
            Assert.True(Math.Abs(slope - norm) <= 1e-4 + 0.01 * norm, $"The slope along {name} is {slope:E4}, its gradient {norm:E4}.");
        }
    }

    [Theory]
    [InlineData("top-any", GateScores.Softmax, "swiglu", 0, false)]
    [InlineData("top-any", GateScores.Sigmoid, "swiglu", 2, false)]
    [InlineData("cosine", GateScores.Sigmoid, "gelu", 1, false)]
    [InlineData("cosine", GateScores.Softmax, "gelu", 0, true)]
    [InlineData("top-any", GateScores.Softmax, "swiglu", 0, true)]
    public void Every_element_has_one_place_in_a_checkpoint(string kind, GateScores scores, string expert, int shared, bool residual)
    {
        ModelConfiguration model = DecoderRun.Small(new GateOptions { Kind = kind, Scores = scores, ProjectionDim = 5 }) with
        {
            Expert = expert,
            SharedExperts = shared,
            Residual = residual,
        };
        IReadOnlyList<TensorRegion> dense = HuggingFaceNames.Dense(model), one = HuggingFaceNames.Expert(model, 2, 7);
        Assert.Equal(dense.Count + one.Count, dense.Concat(one).Select(piece => piece.Name).Distinct().Count());
        AssertCovers(ModelLayout.Dense(model), dense);
        AssertCovers(ModelLayout.Expert(model), one);
    }

    [Fact]
    public void Names_are_mixtrals_until_there_is_something_that_mixtral_does_not_have()
    {
        ModelConfiguration plain = DecoderRun.Small(new GateOptions());
        Assert.Contains(HuggingFaceNames.Dense(plain), piece => piece.Name == "model.layers.0.block_sparse_moe.gate.weight");
        Assert.Equal("model.layers.2.block_sparse_moe.experts.7.w1.weight", HuggingFaceNames.Expert(plain, 2, 7)[0].Name);

        ModelConfiguration shared = DecoderRun.Small(new GateOptions { Scores = GateScores.Sigmoid }) with { SharedExperts = 2 };
        string[] names = [.. HuggingFaceNames.Dense(shared).Concat(HuggingFaceNames.Expert(shared, 2, 7)).Select(piece => piece.Name)];
        foreach (string name in new[]
        {
            "mlp.gate.weight", "mlp.gate.e_score_correction_bias", "mlp.shared_experts.gate_proj.weight", "mlp.shared_experts.up_proj.weight",
            "mlp.shared_experts.down_proj.weight", "mlp.experts.7.gate_proj.weight", "mlp.experts.7.up_proj.weight", "mlp.experts.7.down_proj.weight",
        })
        {
            Assert.Contains($"model.layers.2.{name}", names);
        }
    }

    [Fact]
    public void Shared_experts_are_one_of_their_common_width()
    {
        ModelConfiguration model = DecoderRun.Small(new GateOptions()) with { SharedExperts = 3 };
        ParameterShape down = ModelLayout.Dense(model).Single(shape => shape.Name == "layers.0.shared_experts.down");
        Assert.Equal((3 * model.Hidden, model.Dim), (down.Rows, down.Columns));
        Assert.DoesNotContain(ModelLayout.Dense(model), shape => shape.Name.StartsWith("layers.1.shared", StringComparison.Ordinal));
    }

    private static void AssertCovers(IReadOnlyList<ParameterShape> shapes, IReadOnlyList<TensorRegion> pieces)
    {
        Assert.All(pieces, piece => Assert.Contains(shapes, shape => shape.Name == piece.Parameter));
        foreach (ParameterShape shape in shapes)
        {
            var times = new float[shape.Count];
            foreach (TensorRegion piece in pieces.Where(piece => piece.Parameter == shape.Name))
            {
                Span<float> once = new float[shape.Count];
                float[] ones = [.. Enumerable.Repeat(1f, shape.Rows * piece.Columns)];
                Assert.Equal(ones.Length, piece.Shape(shape).Aggregate(1, (a, b) => a * b));
                piece.Put(shape, ones, once);
                for (int i = 0; i < times.Length; i++)
                {
                    times[i] += once[i];
                }
            }

            Assert.All(times, count => Assert.Equal(1f, count));
        }
    }
}
