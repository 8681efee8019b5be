using MoEActors.Cli.Runs;

namespace MoEActors.Tests.Cli.Runs;

/// <summary>A decision of the director in one short line.</summary>
public sealed class DecisionReportTests
{
    [Fact]
    public void It_is_short_whatever_was_decided()
    {
        Assert.Equal("unevenness 1.50 to 1.05 by 1 move in layer 3", Decision(Layer(3, 1.5, 1.1, 1.05, "a")).InShort());
        Assert.Equal("unevenness 1.50 to 1.10 expected by 1 move in layer 3", Decision(Layer(3, 1.5, 1.1, null, "a")).InShort());
        Assert.Equal("unevenness 1.40 to 1.10 by 3 moves in 2 layers", Decision(Layer(0, 1.2, 1, 1.18, "a"), Layer(1, 1.6, 1, 1.02, "b", "c")).InShort());
        Assert.Equal("unevenness 1.04 to 1.05 by giving up copies in layer 0", Decision(Layer(0, 1.04, 1, 1.05)).InShort());
        Assert.Equal("abandoned 1 move in layer 0", (Decision(Layer(0, 1.5, 1, null, "a")) with { Failure = new string('x', 900) }).InShort());
        Assert.Equal("applied", Decision().InShort());
        LayerDecisionReport[] many = [.. Enumerable.Range(0, 100).Select(layer => Layer(layer, 1.5, 1, null, [.. Enumerable.Repeat("expert 3: silo-0 to silo-1", 99)]))];
        Assert.InRange(Decision(many).InShort().Length, 1, 60);
    }

    [Fact]
    public void Its_step_is_that_of_its_moves()
    {
        Assert.Equal(14, Decision().At);
        Assert.Equal(12, (Decision() with { ConcludedAt = null }).At);
    }

    private static DecisionReport Decision(params LayerDecisionReport[] layers) => new(1, 12, "applied", 14, null, 1, 1000, 0.1, 0, layers);

    private static LayerDecisionReport Layer(int layer, double before, double predicted, double? measured, params string[] arrivals) =>
        new(layer, arrivals, new string('y', 900), before, predicted, measured, 2, 1, 2.1, 1.1);
}
