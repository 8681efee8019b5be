using System.Globalization;
using System.Text;

namespace MoEActors.Cli.Invocation;

/// <summary>
/// Text for a person's eyes. File names, tensor names and what a model writes may have characters that move a terminal's cursor, change its colours or title,
/// or turn the direction of writing: those are shown as what they are.
/// </summary>
internal static class VisibleText
{
    /// <summary>Some text: its line ends and tabs stay.</summary>
    public static string Of(string text) => Escape(text, static character => character is '\n' or '\t');

    /// <summary>A name inside a line.</summary>
    public static string OfName(string name) => Escape(name, static _ => false);

    /// <summary>Whether a character does something instead of being seen.</summary>
    public static bool IsHidden(char character) =>
        char.IsControl(character) || character is (>= '\u2028' and <= '\u202E') or (>= '\u2066' and <= '\u2069');

    private static string Escape(string text, Func<char, bool> stays)
    {
        if (!text.Any(character => IsHidden(character) && !stays(character)))
        {
            return text;
        }

        var shown = new StringBuilder(text.Length + 8);
        foreach (char character in text)
        {
            if (!IsHidden(character) || stays(character))
            {
                shown.Append(character);
            }
            else
            {
                shown.Append(CultureInfo.InvariantCulture, $"{(character < 256 ? "\\x" : "\\u")}{(int)character:x2}");
            }
        }

        return shown.ToString();
    }
}
