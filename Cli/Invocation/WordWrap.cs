using System.Globalization;
using System.Text.RegularExpressions;
using Spectre.Console.Rendering;

namespace MoEActors.Cli.Invocation;

/// <summary>Text in lines of a width, cut between words; only a word that is longer than a line is cut itself.</summary>
internal static partial class WordWrap
{
    private const string Ellipsis = "…";

    /// <summary>Cells that a column needs for words to be read one below the other.</summary>
    private const int LeastRoom = 24;

    /// <summary>Cells that a text takes on a terminal; some characters take two. Control characters count as what is shown in their place: one at least.</summary>
    public static int Cells(string text) =>
        text.Length == 0 ? 0 : new Segment(text.Any(char.IsControl) ? string.Concat(text.Select(c => char.IsControl(c) ? '?' : c)) : text).CellCount();

    /// <summary>A text without line ends, every gap being one space.</summary>
    public static string InOneLine(string text) => Gaps().Replace(text, " ").Trim();

    /// <summary>A text in one line; when it is too long, the words that fit and an ellipsis.</summary>
    public static string Fit(string text, int width) => Lines(text, width, 1) is [var line] ? line : "";

    /// <summary>A text in lines; when they are too many, the last one ends with an ellipsis behind a word.</summary>
    /// <param name="text">The text.</param>
    /// <param name="width">Cells of a line.</param>
    /// <param name="rows">Lines at most.</param>
    public static IReadOnlyList<string> Lines(string text, int width, int rows)
    {
        width = Math.Max(1, width);
        List<string> lines = [];
        string line = "";
        foreach (string word in InOneLine(text).Split(' ', StringSplitOptions.RemoveEmptyEntries).SelectMany(word => Pieces(word, width)))
        {
            if (line.Length > 0 && Cells(line) + 1 + Cells(word) > width)
            {
                lines.Add(line);
                line = "";
                if (lines.Count == rows)
                {
                    lines[^1] = WithEllipsis(lines[^1], width);
                    return lines;
                }
            }

            line = line.Length == 0 ? word : $"{line} {word}";
        }

        return rows < 1 ? [] : line.Length == 0 ? lines : [.. lines, line];
    }

    /// <summary>
    /// A line in rows, cut between words, its gaps as they are. Rows that follow begin below the last column that has room for words, or else behind the line's own indent.
    /// </summary>
    /// <param name="line">The line.</param>
    /// <param name="width">Cells of a row.</param>
    public static IReadOnlyList<string> Rows(string line, int width)
    {
        line = line.TrimEnd();
        if (Cells(line) <= width)
        {
            return [line];
        }

        int own = Math.Min(line.Length - line.TrimStart(' ').Length, width / 4);
        int[] columns = [.. Columns().Matches(line).Select(gap => gap.Index + gap.Length)];
        int indent = columns.LastOrDefault(column => Cells(line[..column]) + LeastRoom <= width, columns.Length == 0 ? own : Math.Min(own + 4, width / 4));
        List<string> rows = [];
        string prefix = "";
        for (string rest = line; rest.Length > 0; rest = rest.TrimStart(' '))
        {
            int room = Math.Max(1, width - prefix.Length);
            int end = EndOfRow(rest, room);
            rows.Add(prefix + rest[..end].TrimEnd());
            rest = rest[end..];
            prefix = new string(' ', indent);
        }

        return rows;
    }

    /// <summary>Characters of a text that make a row: whole words, or a part of the first where that is longer.</summary>
    private static int EndOfRow(string text, int room)
    {
        if (Cells(text) <= room)
        {
            return text.Length;
        }

        int start = text.Length - text.TrimStart(' ').Length, end = 0;
        for (int space = text.IndexOf(' ', start); space >= 0 && Cells(text[..space]) <= room; space = text.IndexOf(' ', space + 1))
        {
            end = space;
        }

        return end > start ? end : start + Pieces(text[start..], Math.Max(1, room - start)).First().Length;
    }

    private static string WithEllipsis(string line, int width)
    {
        while (Cells(line) + 2 > width && line.LastIndexOf(' ') is > 0 and var end)
        {
            line = line[..end];
        }

        if (Cells(line) + 2 <= width)
        {
            return $"{line} {Ellipsis}";
        }

        string part = Pieces(line, Math.Max(1, width - 1)).First();
        return Cells(part) < width ? part + Ellipsis : Ellipsis;
    }

    /// <summary>A word in parts that fit a line.</summary>
    private static IEnumerable<string> Pieces(string word, int width)
    {
        while (Cells(word) > width)
        {
            // By what is seen as one character, and one at least: a terminal of one column has no place for a wide one.
            int end = StringInfo.GetNextTextElementLength(word);
            for (int next = end; next < word.Length && Cells(word[..next]) <= width; next += StringInfo.GetNextTextElementLength(word, next))
            {
                end = next;
            }

            yield return word[..end];
            word = word[end..];
        }

        if (word.Length > 0)
        {
            yield return word;
        }
    }

    [GeneratedRegex(@"\s+")]
    private static partial Regex Gaps();

    /// <summary>Between the columns of a table.</summary>
    [GeneratedRegex(@"(?<=\S) {2,}(?=\S)")]
    private static partial Regex Columns();
}
