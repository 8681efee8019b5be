using MoEActors.Cli.Runs;

namespace MoEActors.Tests.Cli.Runs;

/// <summary>Figures in words.</summary>
public sealed class WordingTests
{
    [Theory]
    [InlineData(0.003, "learning rate 0.0030")]
    [InlineData(3e-3f, "learning rate 0.0030")]
    [InlineData(0.000999, "learning rate 0.0010")]
    [InlineData(9e-4, "learning rate 0.00090")]
    [InlineData(0.25, "learning rate 0.25")]
    [InlineData(1.5, "learning rate 1.5e+0")]
    [InlineData(1e-6, "learning rate 0.0000010")]
    [InlineData(4.4e-8, "learning rate 4.4e-8")]
    [InlineData(0, "learning rate 0.0e+0")]
    public void A_learning_rate_has_two_digits(double rate, string words) => Assert.Equal(words, Wording.LearningRate(rate));

    [Theory]
    [InlineData(1.8324, "loss 1.832")]
    [InlineData(0, "loss 0.000")]
    [InlineData(123456, "loss 1.2e+5")]
    [InlineData(double.NaN, "loss -")]
    [InlineData(double.PositiveInfinity, "loss -")]
    public void A_loss_is_a_number_or_a_dash(double loss, string words) => Assert.Equal(words, Wording.Loss(loss));

    [Fact]
    public void Steps_and_clocks_are_read_at_a_glance()
    {
        Assert.Equal("step 1,200/1,200", Wording.Step(1200, 1200));
        Assert.Equal("step 7", Wording.Step(7, null));
        Assert.Equal("step 7", Wording.Step(7, 0));
        Assert.Equal("0:07 gone", Wording.Gone(TimeSpan.FromSeconds(7.9)));
        Assert.Equal("27:03:04 to go", Wording.ToGo(new TimeSpan(27, 3, 4)));
        Assert.Equal("- tokens/s", Wording.Speed(double.PositiveInfinity));
        Assert.Equal("routers undecided between 8.0 of 8 experts", Wording.Indecision(Math.Log(8), 8));
    }
}
