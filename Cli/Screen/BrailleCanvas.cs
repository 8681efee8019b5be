namespace MoEActors.Cli.Screen;

/// <summary>Dots in Unicode's Braille patterns: two columns and four rows of them in every cell.</summary>
internal sealed class BrailleCanvas(int width, int height)
{
    public const int DotsAcross = 2, DotsDown = 4;

    private const char Blank = '\u2800';

    /// <summary>Bits of a pattern, by row and column of its dots.</summary>
    private static readonly int[,] Bits = { { 0x01, 0x08 }, { 0x02, 0x10 }, { 0x04, 0x20 }, { 0x40, 0x80 } };

    private readonly int[,] _patterns = new int[height, width];

    /// <summary>Whether a cell has no dot.</summary>
    public bool IsBlank(int column, int row) => _patterns[row, column] == 0;

    /// <summary>A cell's pattern.</summary>
    public char this[int column, int row] => (char)(Blank + _patterns[row, column]);

    /// <summary>Sets a dot; the first is at the upper left.</summary>
    public void Set(int x, int y)
    {
        if (x >= 0 && x < width * DotsAcross && y >= 0 && y < height * DotsDown)
        {
            _patterns[y / DotsDown, x / DotsAcross] |= Bits[y % DotsDown, x % DotsAcross];
        }
    }

    /// <summary>Sets the dots from one to another.</summary>
    public void Line(int fromX, int fromY, int toX, int toY)
    {
        int steps = Math.Max(1, Math.Max(Math.Abs(toX - fromX), Math.Abs(toY - fromY)));
        for (int i = 0; i <= steps; i++)
        {
            Set(fromX + (int)Math.Round((double)(toX - fromX) * i / steps), fromY + (int)Math.Round((double)(toY - fromY) * i / steps));
        }
    }
}
