namespace MoEActors.Cli.Progress;

/// <summary>How the tokens are spread over experts and silos.</summary>
/// <param name="rows">Tokens per expert, a row per silo.</param>
internal readonly struct ExpertLoad(IReadOnlyList<long[]> rows)
{
    private readonly long _total = rows.Sum(row => row.Sum());
    private readonly int _experts = rows.Sum(row => row.Length);

    /// <summary>The busiest expert's load, in multiples of the mean.</summary>
    public double Peak => Relative(rows.SelectMany(row => row).DefaultIfEmpty().Max());

    /// <summary>A silo's share of all tokens.</summary>
    public double Share(int silo) => _total == 0 ? 0 : (double)rows[silo].Sum() / _total;

    /// <summary>
    /// A silo's experts in at most <paramref name="width"/> cells, each in multiples of the mean load. A cell of several experts
    /// shows its busiest: a hot one must not hide among idle ones.
    /// </summary>
    public IEnumerable<double> Cells(int silo, int width)
    {
        long[] row = rows[silo];
        int cells = Math.Min(row.Length, width);
        for (int i = 0; i < cells; i++)
        {
            int start = (int)((long)row.Length * i / cells);
            int end = (int)((long)row.Length * (i + 1) / cells);
            yield return Relative(row[start..end].Max());
        }
    }

    private double Relative(long tokens) => _total == 0 ? 0 : (double)tokens * _experts / _total;
}
