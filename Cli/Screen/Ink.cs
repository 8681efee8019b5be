using Spectre.Console;

namespace MoEActors.Cli.Screen;

/// <summary>The colours of the screen. What they say, letters and glyphs say too: not every terminal or eye has colours.</summary>
internal static class Ink
{
    public static readonly Style Faint = new(Color.Grey);
    public static readonly Style Strong = new(decoration: Decoration.Bold);
    public static readonly Style Training = new(Color.SeaGreen3);
    public static readonly Style Validation = new(Color.Gold1, decoration: Decoration.Bold);
    public static readonly Style Frequencies = new(Color.Orange1);
    public static readonly Style Done = new(Color.SeaGreen3);
    public static readonly Style Ahead = new(Color.Grey23);

    /// <summary>Far enough apart to be told from each other, on dark ground and on light.</summary>
    private static readonly Color[] OfSilos =
    [
        Color.DodgerBlue1, Color.DarkOrange, Color.SeaGreen3, Color.MediumPurple1, Color.Gold3, Color.DeepPink2,
        Color.DarkCyan, Color.IndianRed1, Color.Chartreuse3, Color.SteelBlue1, Color.Orchid, Color.RosyBrown,
    ];

    /// <summary>Letters of silos, then digits.</summary>
    private const string Letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

    /// <summary>A silo's colour; the colours begin anew when there are more silos.</summary>
    public static Style OfSilo(int silo) => new(OfSilos[silo % OfSilos.Length]);

    /// <summary>A silo's letter; those beyond the thirty-sixth share one.</summary>
    public static char LetterOf(int silo) => silo < Letters.Length ? Letters[silo] : '#';
}
