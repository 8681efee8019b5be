namespace MoEActors.Client.Configuration;

/// <summary>Finds what somebody may have meant who mistyped a word.</summary>
internal static class Suggestion
{
    /// <summary>The word that is nearest to what was typed; null when none is near.</summary>
    public static string? For(string typed, IEnumerable<string> words) => words
        .Select(word => (Word: word, Distance: Distance(typed, word)))
        .Where(entry => entry.Distance <= Math.Max(1, Math.Min(typed.Length, entry.Word.Length) / 3))
        .OrderBy(entry => entry.Distance)
        .ThenBy(entry => entry.Word, StringComparer.Ordinal)
        .FirstOrDefault().Word;

    /// <summary>Letters to add, drop, replace, or swap with their neighbours (Damerau, 1964).</summary>
    private static int Distance(string from, string to)
    {
        int[,] steps = new int[from.Length + 1, to.Length + 1];
        for (int i = 0; i <= from.Length; i++)
        {
            for (int j = 0; j <= to.Length; j++)
            {
                if (i == 0 || j == 0)
                {
                    steps[i, j] = i + j;
                    continue;
                }

                int replaced = steps[i - 1, j - 1] + (from[i - 1] == to[j - 1] ? 0 : 1);
                steps[i, j] = Math.Min(replaced, Math.Min(steps[i - 1, j], steps[i, j - 1]) + 1);
                if (i > 1 && j > 1 && from[i - 1] == to[j - 2] && from[i - 2] == to[j - 1])
                {
                    steps[i, j] = Math.Min(steps[i, j], steps[i - 2, j - 2] + 1);
                }
            }
        }

        return steps[from.Length, to.Length];
    }
}
