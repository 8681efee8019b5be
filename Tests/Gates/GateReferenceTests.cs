using MoEActors.Modules.Gates;
using MoEActors.Tests.Native.Kernels;
using MoEActors.Tests.Support;

namespace MoEActors.Tests.Gates;

/// <summary>Every gate against its formula in double precision: choices, slots, weights, losses, and gradients by differences.</summary>
public class GateReferenceTests
{
    public static TheoryData<string> Cases => [.. GateCase.All.Keys];

    [Theory]
    [MemberData(nameof(Cases))]
    public void Routing_equals_the_formula(string name)
    {
        GateCase gate = GateCase.All[name];
        Assert.Empty(gate.Options.Errors(GateCase.Experts));
        for (int seed = 1; seed <= 4; seed++)
        {
            using var run = new GateRun(gate, seed);
            var exact = new ExactGate(gate);
            exact.Route(run.Tensors());
            Routing routing = run.Forward(gate);

            double[][] weights = exact.Weights(run.Tensors());
            bool[] slots = routing.HostKept();
            int[] kept = new int[GateCase.Experts];
            for (int t = 0; t < GateCase.Rows; t++)
            {
                int[] found = [.. routing.HostChoices().Slice(t * routing.K, routing.K)];
                int count = exact.Choices[t].Length;
                Assert.Equal(exact.Choices[t], found[..count]);
                Assert.All(found[count..], choice => Assert.Equal(-1, choice));
                Values.AssertClose(weights[t], routing.Weights.AsSpan().Slice(t * routing.K, count), 2e-6, $"Weights of {t}");
                Assert.All(routing.Weights.AsSpan().Slice(t * routing.K + count, routing.K - count).ToArray(), weight => Assert.Equal(0f, weight));
                for (int j = 0; j < count; j++)
                {
                    bool keeps = !exact.Dropped.Contains((t, found[j]));
                    Assert.Equal(keeps, slots[t * routing.K + j]);
                    kept[found[j]] += keeps ? 1 : 0;
                }
            }

            Assert.Equal(kept, routing.KeptTokens);
            Assert.Equal(exact.Dropped.Count, routing.DroppedChoices);
            Assert.Equal(exact.Choices.Select((row, t) => row.Any(e => !exact.Dropped.Contains((t, e)))).Count(some => some), routing.RoutedTokens);
            Assert.Equal(exact.Balance(run.Tensors()), routing.BalanceLoss, 2e-5);
            Assert.Equal(exact.Z(run.Tensors()), routing.ZLoss, 2e-5);
            Assert.Equal(gate.Valid.Sum(), routing.Tokens);
            Assert.Equal(exact.EntropySum(run.Tensors()), routing.EntropySum, 1e-4);
            Assert.Equal(routing.AuxiliaryLoss, routing.Losses.Sum(loss => loss.Coefficient * loss.Value), 1e-12);
            Assert.Equal(
                gate.Options.BalanceCoefficient * routing.BalanceLoss + gate.Options.ZCoefficient * routing.ZLoss, routing.AuxiliaryLoss, 1e-12);
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Gradients_equal_differences_of_the_formula(string name)
    {
        GateCase gate = GateCase.All[name];
        using var run = new GateRun(gate, seed: 5);
        var exact = new ExactGate(gate);
        exact.Route(run.Tensors());
        Routing routing = run.Forward(gate);
        float[] dWeights = Values.Vector(new Random(6), routing.Rows * routing.K);
        run.Backward(dWeights);

        Dictionary<string, double[]> tensors = run.Tensors();
        double[][] dExact = [.. exact.Choices.Select((row, t) => Values.Doubles(dWeights.AsSpan(t * routing.K, row.Length)))];
        foreach ((string tensor, float[] found) in run.Gradients().Where(entry => entry.Key != "router_bias"))
        {
            double[] expected = Exact.Gradient(
                moved => exact.Objective(new Dictionary<string, double[]>(tensors) { [tensor] = moved }, dExact), tensors[tensor]);
            double largest = expected.Max(Math.Abs);
            Assert.True(largest > 1e-3, $"{tensor} has no gradient to speak of.");
            Values.AssertClose([.. expected.Select(v => v / largest)], [.. found.Select(v => (float)(v / largest))], 3e-5, $"Gradient of {tensor}");
        }
    }

    [Fact]
    public void A_temperature_beyond_its_limit_counts_as_the_limit_and_has_no_gradient()
    {
        var gate = new GateCase(new GateOptions { Kind = "cosine", ProjectionDim = 6 });
        using var run = new GateRun(gate, 1);
        run.Parameter("router_temperature").AsSpan()[0] = 7f;
        Routing routing = run.Forward(gate);
        run.Backward(new float[routing.Rows * routing.K]);
        var exact = new ExactGate(gate);
        exact.Route(run.Tensors());
        Assert.Equal(exact.Z(run.Tensors()), routing.ZLoss, 1e-5 * routing.ZLoss);
        Assert.Equal([0f], run.Gradients()["router_temperature"]);
    }
}
