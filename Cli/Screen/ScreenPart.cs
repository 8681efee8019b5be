using Spectre.Console.Rendering;

namespace MoEActors.Cli.Screen;

/// <summary>A part of the screen that can be drawn in more or fewer rows.</summary>
/// <param name="Rank">Which parts come first when there are too few rows for all: the smaller, the earlier.</param>
/// <param name="Least">Rows without which it says nothing.</param>
/// <param name="Most">Rows beyond which it says no more.</param>
/// <param name="Draw">Draws it in so many rows, or in fewer.</param>
internal sealed record ScreenPart(int Rank, int Least, int Most, Func<int, IReadOnlyList<SegmentLine>> Draw)
{
    /// <summary>A part of lines that are what they are.</summary>
    public static ScreenPart Of(int rank, IReadOnlyList<SegmentLine> lines) => new(rank, lines.Count, lines.Count, _ => lines);

    /// <summary>Draws parts below each other: those that there are rows for, an empty row between two when rows are left.</summary>
    /// <param name="parts">The parts, from the top.</param>
    /// <param name="rows">Rows that there are.</param>
    public static IReadOnlyList<SegmentLine> Stack(IReadOnlyList<ScreenPart> parts, int rows)
    {
        ScreenPart[] present = [.. parts.Where(part => part.Most > 0)];
        int[] given = new int[present.Length];
        int left = rows;
        int[] order = [.. Enumerable.Range(0, present.Length).OrderBy(part => present[part].Rank)];
        foreach (int part in order)
        {
            if (present[part].Least <= left)
            {
                given[part] = present[part].Least;
                left -= given[part];
            }
        }

        // Gaps before growth, if growth has as many rows: the eye finds parts that stand apart.
        int gaps = given.Count(one => one > 0) - 1;
        bool hasGaps = left >= 2 * gaps;
        left -= hasGaps ? gaps : 0;

        // Row by row in turns, so that no part becomes large while another is still small.
        for (bool grows = true; grows && left > 0;)
        {
            grows = false;
            foreach (int part in order.Where(part => left > 0 && given[part] > 0 && given[part] < present[part].Most))
            {
                given[part]++;
                left--;
                grows = true;
            }
        }

        IReadOnlyList<SegmentLine>[] drawn = [.. present.Index().Where(one => given[one.Index] > 0).Select(one => one.Item.Draw(given[one.Index]))];
        drawn = [.. drawn.Where(part => part.Count > 0)];
        hasGaps |= rows - drawn.Sum(part => part.Count) >= drawn.Length - 1;
        List<SegmentLine> lines = [];
        foreach (IReadOnlyList<SegmentLine> part in drawn)
        {
            if (hasGaps && lines.Count > 0)
            {
                lines.Add([]);
            }

            lines.AddRange(part);
        }

        return lines;
    }
}
