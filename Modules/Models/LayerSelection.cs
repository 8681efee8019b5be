using System.Globalization;

namespace MoEActors.Modules.Models;

/// <summary>Layers chosen in words: <c>all</c>, <c>none</c>, or numbers and ranges from 0 such as <c>0,2-5</c>.</summary>
public static class LayerSelection
{
    /// <summary>Every layer.</summary>
    public const string All = "all";

    /// <summary>No layer.</summary>
    public const string None = "none";

    /// <summary>Which layers the words choose; null when they mean nothing, or a layer that does not exist.</summary>
    /// <param name="words">The words.</param>
    /// <param name="layers">Layers of the model.</param>
    public static bool[]? Parse(string words, int layers)
    {
        bool[] chosen = new bool[layers];
        if (words is All or None)
        {
            Array.Fill(chosen, words == All);
            return chosen;
        }

        foreach (string part in words.Split(','))
        {
            string[] ends = part.Split('-', 2);
            if (!Number(ends[0], layers, out int first) || !Number(ends[^1], layers, out int last) || last < first)
            {
                return null;
            }

            Array.Fill(chosen, true, first, last - first + 1);
        }

        return chosen;
    }

    private static bool Number(string word, int layers, out int number) =>
        int.TryParse(word, NumberStyles.AllowLeadingWhite | NumberStyles.AllowTrailingWhite, CultureInfo.InvariantCulture, out number) && number < layers;
}
