using System.Runtime.Intrinsics;
using MoEActors.Native.Cpu.Kernels;

namespace MoEActors.Tests.Native.Kernels;

public class VectorMathTests
{
    [Fact]
    public void Exp_is_within_one_ulp_over_its_whole_range()
    {
        double worst = 0;
        for (double x = -87; x < 88.7; x += 0.000371)
        {
            float found = VectorMath.Exp(Vector512.Create((float)x)).ToScalar();
            double exact = Math.Exp((float)x);
            worst = Math.Max(worst, Math.Abs(found - exact) / (MathF.BitIncrement((float)exact) - (float)exact));
        }

        Assert.True(worst <= 1, $"The worst error is {worst:F3} ulp.");
    }

    [Theory]
    [InlineData(0f, 1f)]
    [InlineData(float.NegativeInfinity, 0f)]
    [InlineData(-3e38f, 0f)]
    [InlineData(-104f, 0f)]
    [InlineData(float.PositiveInfinity, float.PositiveInfinity)]
    [InlineData(3e38f, float.PositiveInfinity)]
    [InlineData(88.8f, float.PositiveInfinity)]
    [InlineData(float.NaN, float.NaN)]
    public void Exp_knows_the_ends(float x, float expected) =>
        Assert.Equal(expected, VectorMath.Exp(Vector512.Create(x)).ToScalar());

    [Fact]
    public void Exp_of_very_small_results_is_subnormal_not_zero()
    {
        for (float x = -103.9f; x < -87.4f; x += 0.013f)
        {
            float found = VectorMath.Exp(Vector512.Create(x)).ToScalar();
            Assert.True(Math.Abs(found - Math.Exp(x)) <= float.Epsilon, $"exp({x:R}) is {found:R}.");
        }
    }

    [Fact]
    public void The_normal_distribution_keeps_its_relative_accuracy_in_the_tail()
    {
        double worst = 0;
        for (double x = -12; x < 12; x += 0.000913)
        {
            float found = NormalDistribution.Cumulative(Vector512.Create((float)x), out _).ToScalar();
            worst = Math.Max(worst, Math.Abs(found / Exact.NormalCumulative((float)x) - 1));
        }

        Assert.True(worst <= 5e-7, $"The worst relative error is {worst:E2}.");
    }

    [Theory]
    [InlineData(float.NaN, float.NaN)]
    [InlineData(1e30f, 1f)]
    [InlineData(-1e30f, 0f)]
    [InlineData(float.PositiveInfinity, 1f)]
    [InlineData(float.NegativeInfinity, 0f)]
    [InlineData(0f, 0.5f)]
    public void The_normal_distribution_knows_the_ends(float x, float expected)
    {
        float found = NormalDistribution.Cumulative(Vector512.Create(x), out _).ToScalar();
        if (float.IsNaN(x))
        {
            // The argument that goes with it makes the product NaN.
            found *= x;
        }

        Assert.Equal(expected, found, 6e-8f);
    }
}
