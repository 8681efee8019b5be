using MoEActors.Cli.Progress;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace MoEActors.Cli.Screen;

/// <summary>
/// A cell for every expert of every layer: how busy it is, and on which silo; copies and what has just moved stand out. The legend below says what all of it means.
/// </summary>
internal static class ExpertGrid
{
    /// <summary>How long an expert that came to another silo is highlighted.</summary>
    public static readonly TimeSpan Highlighted = TimeSpan.FromSeconds(2);

    /// <summary>From idle to twice the mean and more; the mean is the fourth.</summary>
    private const string Bars = "▁▂▃▄▅▆▇█";

    /// <summary>Layers for which other parts must leave room.</summary>
    private const int LeastLayers = 4;

    private const int LeastWidth = 24;

    private const char Idle = '·', More = '+', JustMoved = '*';

    /// <summary>The grid and its legend as a part of the screen; nothing for a model without experts, or a terminal with no room for them.</summary>
    public static ScreenPart Part(int rank, TrainingProgress progress, int width, DateTimeOffset now)
    {
        if (progress.Layers.Count == 0 || width < LeastWidth)
        {
            return ScreenPart.Of(rank, []);
        }

        // Legends differ by little with the layout; the longest one has its rows for certain.
        int legend = Legend(progress, Layout(progress, width, 1), width).Count;
        int most = Layout(progress, width, int.MaxValue).Lines;
        return new ScreenPart(rank, legend + Math.Min(LeastLayers, most), legend + most, rows => Of(progress, width, rows, now));
    }

    /// <summary>The grid and its legend in so many rows at most.</summary>
    public static IReadOnlyList<SegmentLine> Of(TrainingProgress progress, int width, int rows, DateTimeOffset now)
    {
        int most = rows - Legend(progress, Layout(progress, width, 1), width).Count;
        GridLayout layout = Layout(progress, width, Math.Max(1, most));

        // What the legend does not take of the rows that it might have, the grid does.
        GridLayout larger = Layout(progress, width, Math.Max(1, rows - Legend(progress, layout, width).Count));
        layout = larger.Lines + Legend(progress, larger, width).Count <= rows ? larger : layout;
        int label = LabelWidth(progress);
        HashSet<(int Layer, int Expert)> moved =
            [.. progress.Moved.Where(one => now - one.At < Highlighted).Select(one => (one.Layer, one.Expert))];
        List<SegmentLine> lines = [];
        foreach (ExpertLayer layer in progress.Layers.Take(layout.Layers))
        {
            int[][] cells = [.. Enumerable.Range(0, layer.Experts.Count).Chunk(layout.ExpertsPerCell)];
            foreach ((int i, int[][] line) in cells.Chunk(layout.PerLine).Index())
            {
                SegmentLine drawn = ScreenLine.Of((i == 0 ? $"layer {layer.Layer}" : "").PadRight(label), Ink.Faint);
                foreach (int[] experts in line)
                {
                    Cell(drawn, layer, experts, experts.Any(expert => moved.Contains((layer.Layer, expert))), layout);
                }

                lines.Add(drawn);
            }
        }

        return [.. lines, .. Legend(progress, layout, width)];
    }

    private static GridLayout Layout(TrainingProgress progress, int width, int rows) => GridLayout.For(
        progress.Layers.Count, Math.Max(1, progress.Layers.Max(layer => layer.Experts.Count)), Math.Max(1, width - LabelWidth(progress)), rows);

    private static int LabelWidth(TrainingProgress progress) => $"layer {progress.Layers.Max(layer => layer.Layer)} ".Length;

    /// <summary>One expert, or the busiest of some.</summary>
    private static void Cell(SegmentLine line, ExpertLayer layer, int[] experts, bool hasMoved, GridLayout layout)
    {
        ExpertPlace expert = layer.Experts[experts.MaxBy(one => layer.Experts[one].Load)];
        int[] silos = [.. expert.Silos.Distinct()];
        int home = silos.Length > 0 ? silos[0] : 0;
        Style ink = Highlight(Ink.OfSilo(home), hasMoved);
        if (!layout.IsLarge)
        {
            string bar = hasMoved ? $"{JustMoved}" : $"{BarOf(expert.Load)}";
            line.With($"{bar}{(silos.Length > 1 ? char.ToLowerInvariant(Ink.LetterOf(home)) : Ink.LetterOf(home))}", ink);
            return;
        }

        line.With($"{BarOf(expert.Load)}{Ink.LetterOf(home)}", ink);
        if (silos.Length > 1)
        {
            line.With($"{(silos.Length > 2 ? More : Ink.LetterOf(silos[1]))}", Highlight(Ink.OfSilo(silos[1]), hasMoved));
        }

        line.With(hasMoved ? $"{JustMoved}" : "", ink).With(new string(' ', layout.CellWidth - 2 - (silos.Length > 1 ? 1 : 0) - (hasMoved ? 1 : 0)));
    }

    private static Style Highlight(Style style, bool isHighlighted) =>
        isHighlighted ? new Style(style.Foreground, style.Background, Decoration.Invert | Decoration.Bold) : style;

    private static char BarOf(double load) =>
        !(load > 0) ? Idle : Bars[Math.Clamp((int)Math.Round(Math.Min(load, 2) * 4), 1, Bars.Length) - 1];

    /// <summary>What letters, colours, bars and marks mean, and what the layout leaves out.</summary>
    private static IReadOnlyList<SegmentLine> Legend(TrainingProgress progress, GridLayout layout, int width)
    {
        IEnumerable<SegmentLine> silos = progress.Silos.Select((silo, index) =>
        {
            string share = $" {silo.Share * 100:0}%";
            string name = WordWrap.Fit(VisibleText.OfName(silo.Name), Math.Max(1, width - 2 - share.Length));
            return ScreenLine.Of($"{Ink.LetterOf(index)} {name}", Ink.OfSilo(index)).With(share, Ink.Faint);
        });
        List<string> marks = [$"{Idle}{Bars[0]}{Bars[3]}{Bars[7]} load: none, little, mean, twice the mean or more"];
        marks.AddRange(layout.IsLarge ? ["AB copies on A and B", $"A{More} on three or more"] : ["a copies on A and others"]);
        marks.Add($"{JustMoved} has just moved");
        if (layout.ExpertsPerCell > 1)
        {
            marks.Add($"a cell: the busiest of {layout.ExpertsPerCell} experts");
        }

        if (layout.Layers < progress.Layers.Count)
        {
            marks.Add($"{layout.Layers} of {progress.Layers.Count} layers: there is no room for more");
        }

        return
        [
            .. ScreenLine.Flow(silos, width),
            .. ScreenLine.Flow(marks.SelectMany(mark => WordWrap.Lines(mark, width, int.MaxValue)).Select(mark => ScreenLine.Of(mark, Ink.Faint)), width),
        ];
    }
}
