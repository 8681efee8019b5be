using System.Collections.Immutable;
using MoEActors.Placement.Costs;
using MoEActors.Placement.Map;
using MoEActors.Placement.Parallelism;

namespace MoEActors.Tests.Placement;

public sealed class SavedParallelismTests
{
    private static readonly int[] Experts = [8, 0, 8];

    private static readonly SavedParallelism Whole = new(
        [LayerParallelism.Data, LayerParallelism.Expert, ParallelismChoice.Sliced(3)],
        [0],
        4,
        new Dictionary<int, TunerState>
        {
            [8] = new([new MeasuredChoice(3, new ParallelismChoice(1, 2, AllToAll.Hierarchical, Copies: true), 7, -5.25)], 12.5, 0.125),
        }.ToImmutableSortedDictionary());

    [Fact]
    public void What_is_written_is_read()
    {
        string text = Whole.ToJson();
        Assert.Equal(text, SavedParallelism.Parse(text, Experts).ToJson());
        Assert.Equal(Whole.Layers, SavedParallelism.Parse(text, Experts).Layers);
        Assert.Contains("[\"data\",\"expert\",{\"slices\":3,", text, StringComparison.Ordinal);
    }

    [Fact]
    public void Words_are_enough_for_what_has_one()
    {
        string text = Whole.ToJson().Replace("\"data\"", "\"transient_copies\"", StringComparison.Ordinal);
        Assert.Equal(LayerParallelism.TransientCopies, SavedParallelism.Parse(text, Experts).Layers[0].Travels);
    }

    [Theory]
    [InlineData("\"data\"", "\"sideways\"")]
    [InlineData("\"slices\":3", "\"slices\":-1")]
    [InlineData("\"tuned\":[0]", "\"tuned\":[1]")]
    [InlineData("\"tuned\":[0]", "\"tuned\":[3]")]
    [InlineData("\"workers\":4", "\"workers\":-4")]
    [InlineData("\"workers\":4,", "")]
    [InlineData("\"tuners\":{\"8\"", "\"tuners\":{\"9\"")]
    [InlineData("-5.25", "1e999")]
    [InlineData("\"count\":7", "\"count\":0")]
    [InlineData("\"bucket\":3", "\"bucket\":0")]
    [InlineData("\"explored\":0.125", "\"explored\":-1")]
    [InlineData("\"expert\",", "")]
    [InlineData("\"measured\":", "\"other\":")]
    public void What_cannot_be_is_refused(string written, string damaged)
    {
        string text = Whole.ToJson();
        Assert.Contains(written, text, StringComparison.Ordinal);
        FormatException refused = Assert.Throws<FormatException>(() => SavedParallelism.Parse(text.Replace(written, damaged, StringComparison.Ordinal), Experts));
        Assert.StartsWith("its parallelism", refused.Message, StringComparison.Ordinal);
    }
}
