using System.Text;

namespace MoEActors.Cli.Commands.Simulate;

/// <summary>A line of comma-separated values (RFC 4180), whose fields may stand in quotation marks; spaces around fields do not count.</summary>
internal static class CsvLine
{
    /// <summary>The fields; null when a quotation mark is not closed, or something follows a closed one.</summary>
    public static string[]? Fields(string line)
    {
        if (!line.Contains('"', StringComparison.Ordinal))
        {
            return line.Split(',', StringSplitOptions.TrimEntries);
        }

        List<string> fields = [];
        for (int at = 0; at <= line.Length; at++)
        {
            while (at < line.Length && line[at] == ' ')
            {
                at++;
            }

            string? quoted = null;
            if (at < line.Length && line[at] == '"' && (quoted = Quoted(line, ref at)) is null)
            {
                return null;
            }

            int comma = line.IndexOf(',', at);
            int end = comma < 0 ? line.Length : comma;
            string bare = line[at..end].Trim();
            if (quoted is not null && bare.Length > 0)
            {
                return null;
            }

            fields.Add(quoted ?? bare);
            at = end;
        }

        return [.. fields];
    }

    /// <summary>What stands in quotation marks; two in a row are one. Null when they do not end.</summary>
    private static string? Quoted(string line, ref int at)
    {
        var text = new StringBuilder();
        while (true)
        {
            int end = line.IndexOf('"', at + 1);
            if (end < 0)
            {
                return null;
            }

            text.Append(line, at + 1, end - at - 1);
            at = end + 1;
            if (at == line.Length || line[at] != '"')
            {
                return text.ToString();
            }

            text.Append('"');
        }
    }
}
