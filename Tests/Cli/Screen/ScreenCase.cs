using MoEActors.Cli.Progress;
using MoEActors.Cli.Screen;
using Spectre.Console.Rendering;
using Spectre.Console.Testing;

namespace MoEActors.Tests.Cli.Screen;

/// <summary>States of runs, and what a terminal shows of them.</summary>
internal static class ScreenCase
{
    public static readonly DateTimeOffset Now = new(2026, 1, 2, 3, 4, 5, TimeSpan.Zero);

    /// <summary>Words that no line may have a part of.</summary>
    public const string Words = "Gets the unforgettable characteristics of representative documentation concerning straightforward internationalization throughout everything";

    /// <summary>A run in the middle: every expert has a load of its own, its silo by turns, every fifth two copies and every seventh three.</summary>
    public static TrainingProgress Progress(int layers = 4, int experts = 8, int silos = 4) => new()
    {
        Step = 350,
        Steps = 1200,
        Loss = 1.8324,
        Losses = [.. Enumerable.Range(1, 350).Select(step => new LossPoint(step, 1 + 4.5 * Math.Exp(-step / 60.0)))],
        Validations = [new(100, 2.1), new(200, 1.4), new(300, 1.2)],
        FrequencyLoss = 3.251,
        FrequenciesPassed = 42,
        LearningRate = 2.9e-3,
        TokensPerSecond = 9120.4,
        Elapsed = TimeSpan.FromSeconds(24),
        Remaining = TimeSpan.FromSeconds(58),
        RouterEntropy = 1.857,
        DroppedShare = 0.0314,
        Silos = [.. Enumerable.Range(0, silos).Select(silo => new SiloShare($"silo-{silo}", 1.0 / silos))],
        Layers =
        [
            .. Enumerable.Range(0, layers).Select(layer => new ExpertLayer(layer, [.. Enumerable.Range(0, experts).Select(expert =>
                new ExpertPlace((layer + expert) % 9 / 4.0, Silos(expert, silos)))])),
        ],
        Sample = new WrittenSample(340, "Gets the", Words["Gets the".Length..]),
        Notes = [new RunNote(341, "layer 2's expert 5, the busiest of silo-1, moved to silo-3; no bit of the result changes")],
    };

    /// <summary>Lines on a terminal without colours, as it shows them.</summary>
    public static string[] Shown(IReadOnlyList<SegmentLine> lines, int width)
    {
        using TestConsole console = new TestConsole().Width(width).Height(1000);
        console.Write(new ScreenLines(lines));
        string[] shown = [.. console.Output.ReplaceLineEndings("\n").Split('\n').Select(line => line.TrimEnd())];

        // Nothing was wrapped by the terminal.
        Assert.Equal(Math.Max(1, lines.Count), shown.Length);
        Assert.All(lines, line => Assert.True(line.CellCount() <= width, $"{line.CellCount()} cells: {string.Concat(line.Select(part => part.Text))}"));
        return shown;
    }

    /// <summary>The screen of a run that is between two steps.</summary>
    public static string[] Screen(TrainingProgress progress, int width, int rows, string name = "demo") =>
        Shown(TrainingScreen.Of(new ScreenState(name).Report(progress), new ScreenCanvas(width, rows), Now), width);

    /// <summary>A part in so many rows.</summary>
    public static string[] Shown(ScreenPart part, int width, int rows)
    {
        IReadOnlyList<SegmentLine> lines = part.Draw(rows);
        Assert.True(lines.Count <= rows, $"{lines.Count} lines in {rows} rows");
        return Shown(lines, width);
    }

    private static int[] Silos(int expert, int silos)
    {
        int copies = expert % 7 == 6 ? 3 : expert % 5 == 4 ? 2 : 1;
        return [.. Enumerable.Range(expert, Math.Min(copies, silos)).Select(silo => silo % silos)];
    }
}
