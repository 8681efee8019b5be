using MoEActors.Cli.Progress;
using MoEActors.Cli.Screen;

namespace MoEActors.Tests.Cli.Screen;

/// <summary>The loss against what byte frequencies alone would give.</summary>
public sealed class LossCurveTests
{
    private const int Plot = 10;

    [Theory]
    [InlineData(60)]
    [InlineData(80)]
    [InlineData(100)]
    [InlineData(140)]
    public void Curve_line_and_measured_points_are_drawn_on_labelled_axes(int width)
    {
        string[] shown = Shown(ScreenCase.Progress(), width);
        Assert.StartsWith("5.4", shown[0].TrimStart(), StringComparison.Ordinal);
        Assert.StartsWith("1.0", shown[Plot - 1].TrimStart(), StringComparison.Ordinal);
        string level = Assert.Single(shown[..Plot], line => line.Contains('┄'));
        Assert.StartsWith("3.251│", level.TrimStart(), StringComparison.Ordinal);
        Assert.True(level.Count(glyph => glyph == '┄') > width * 3 / 4, level);
        Assert.Equal(3, shown[..Plot].Sum(line => line.Count(glyph => glyph == '◆')));
        Assert.Contains(shown[..Plot], line => line.Any(IsBraille));
        Assert.Contains("└─", shown[Plot], StringComparison.Ordinal);
        Assert.EndsWith("─ step 512", shown[Plot], StringComparison.Ordinal);
        Assert.All(shown[..Plot], line => Assert.Equal(level.IndexOf('│'), line.IndexOf('│')));
    }

    [Theory]
    [InlineData(30)]
    [InlineData(40)]
    [InlineData(60)]
    [InlineData(140)]
    public void The_key_says_in_words_what_is_what_and_when_the_line_was_passed(int width)
    {
        string Key(ScreenPart part)
        {
            string[] shown = ScreenCase.Shown(part, width, part.Most);
            return string.Join(' ', shown[(Array.FindIndex(shown, line => line.Contains('└')) + 1)..].Select(line => line.TrimStart()));
        }

        string key = Key(LossCurve.Part(1, ScreenCase.Progress(), width));
        Assert.Contains("loss of each step", key, StringComparison.Ordinal);
        Assert.Contains("◆ on text never trained on: 1.200", key, StringComparison.Ordinal);
        Assert.Contains("┄┄ byte frequencies alone give 3.251, passed at step 42", key, StringComparison.Ordinal);
        TrainingProgress before = ScreenCase.Progress() with { Losses = [new(1, 5.5)], FrequenciesPassed = null, Validations = [] };
        key = Key(LossCurve.Part(1, before, width));
        Assert.Contains("3.251, not passed yet", key, StringComparison.Ordinal);
        Assert.DoesNotContain("◆", key, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    public void Few_points_are_drawn_too(int points)
    {
        TrainingProgress progress = ScreenCase.Progress() with
        {
            Step = points,
            Losses = [.. Enumerable.Range(1, points).Select(step => new LossPoint(step, 5))],
            Validations = [],
        };
        foreach (double? level in new double?[] { null, 3.25, 0, 5 })
        {
            string[] shown = Shown(progress with { FrequencyLoss = level }, 80);
            Assert.Equal(points > 0, shown[..Plot].Any(line => line.Any(IsBraille)));
            Assert.DoesNotContain(shown, line => line.Contains("NaN", StringComparison.Ordinal) || line.Contains('∞'));
            Assert.EndsWith("step 32", shown[Plot], StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData(double.NaN, 1.5)]
    [InlineData(double.PositiveInfinity, 1.5)]
    [InlineData(1e9, 1e9)]
    [InlineData(0, 1.5)]
    [InlineData(double.NaN, double.NaN)]
    public void Numbers_of_all_kinds_leave_the_axes_readable(double first, double second)
    {
        TrainingProgress progress = ScreenCase.Progress() with
        {
            Losses = [new(1, first), new(2, second)],
            Validations = [new(2, first)],
            FrequencyLoss = first,
        };
        string[] shown = Shown(progress, 60);
        Assert.All(shown[..Plot], line => Assert.Contains('│', line));
        Assert.DoesNotContain(shown[..Plot], line => line.Contains("NaN", StringComparison.Ordinal) || line.Contains('∞'));
        Assert.All(shown, line => Assert.InRange(line.Length, 0, 60));
    }

    [Theory]
    [InlineData(1, 1200, 32)]
    [InlineData(24, 1200, 32)]
    [InlineData(25, 1200, 64)]
    [InlineData(350, 1200, 512)]
    [InlineData(1199, 1200, 1200)]
    [InlineData(1200, 1200, 1200)]
    [InlineData(3, 5, 5)]
    [InlineData(50, null, 128)]
    public void The_axis_of_steps_grows_with_the_run_and_ends_with_it(long step, int? steps, long last)
    {
        string[] shown = Shown(ScreenCase.Progress() with { Step = step, Steps = steps }, 80);
        Assert.EndsWith($" step {last:N0}", shown[Plot], StringComparison.Ordinal);
    }

    [Fact]
    public void The_curve_falls_from_the_upper_left_to_the_lower_right()
    {
        BrailleCanvas canvas = new(2, 2);
        canvas.Line(0, 0, 3, 7);
        Assert.Equal((true, true), (canvas.IsBlank(1, 0), canvas.IsBlank(0, 1)));
        Assert.Equal('⢣', canvas[0, 0]);
        canvas.Set(-1, 0);
        canvas.Set(4, 0);
        canvas.Set(0, 8);
        Assert.True(canvas.IsBlank(1, 0));
    }

    private static string[] Shown(TrainingProgress progress, int width) => ScreenCase.Shown(LossCurve.Of(progress, width, Plot), width);

    private static bool IsBraille(char glyph) => glyph is > '\u2800' and <= '\u28FF';
}
