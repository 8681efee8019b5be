namespace MoEActors.Cli.Screen;

/// <summary>How the experts of all layers find room: with large cells if they can, in several lines a layer, or several experts to a cell.</summary>
/// <param name="CellWidth">Cells of the terminal that one cell of the grid takes, the gap behind it included.</param>
/// <param name="PerLine">Cells of the grid in a line.</param>
/// <param name="LinesPerLayer">Lines of a layer.</param>
/// <param name="ExpertsPerCell">Experts that a cell stands for.</param>
/// <param name="Layers">Layers that are shown.</param>
internal readonly record struct GridLayout(int CellWidth, int PerLine, int LinesPerLayer, int ExpertsPerCell, int Layers)
{
    /// <summary>Load, letter of the silo, letter of the second silo, and whether it has just moved.</summary>
    public const int Large = 4;

    /// <summary>Load and letter.</summary>
    public const int Small = 2;

    /// <summary>Lines that it takes.</summary>
    public int Lines => Layers * LinesPerLayer;

    public bool IsLarge => CellWidth == Large;

    /// <summary>The most telling layout for which there is room.</summary>
    /// <param name="layers">Layers that have experts.</param>
    /// <param name="experts">Most experts of a layer.</param>
    /// <param name="width">Cells across, without labels.</param>
    /// <param name="rows">Rows.</param>
    public static GridLayout For(int layers, int experts, int width, int rows)
    {
        foreach (int cell in new[] { Large, Small })
        {
            GridLayout whole = Of(cell, experts, 1, width, layers);
            if (whole.Lines <= rows)
            {
                return whole;
            }
        }

        // Some lines for every layer, if only one; and for as many layers as there are rows.
        int lines = Math.Max(1, rows / layers);
        int cells = lines * Math.Max(1, width / Small);
        return Of(Small, experts, (experts + cells - 1) / cells, width, Math.Clamp(rows / lines, 1, layers));
    }

    private static GridLayout Of(int cell, int experts, int group, int width, int layers)
    {
        int cells = (experts + group - 1) / group;
        int fits = Math.Max(1, width / cell);
        int lines = (cells + fits - 1) / fits;

        // Lines of equal length: eight and eight are easier to count than fifteen and one.
        return new GridLayout(cell, (cells + lines - 1) / lines, lines, group, layers);
    }
}
