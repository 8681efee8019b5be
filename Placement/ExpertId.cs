using System.Globalization;

namespace MoEActors.Placement;

/// <summary>
/// One expert of a model: what a worker holds. Its replicas are alike and on distinct workers, so a worker need not know which of them it
/// has; the placement map does.
/// </summary>
/// <param name="Layer">Layer of the model.</param>
/// <param name="Expert">Expert of the layer.</param>
public readonly record struct ExpertId(int Layer, int Expert) : IComparable<ExpertId>
{
    /// <summary>Canonical order: layer, expert.</summary>
    public int CompareTo(ExpertId other) => (Layer, Expert).CompareTo((other.Layer, other.Expert));

    /// <summary><c>layer/expert</c>.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Layer}/{Expert}");

    /// <summary>Reads what <see cref="ToString"/> wrote.</summary>
    /// <exception cref="FormatException">The text is not an expert.</exception>
    public static ExpertId Parse(string text) =>
        text.Split('/') is [string layer, string expert]
        && int.TryParse(layer, NumberStyles.None, CultureInfo.InvariantCulture, out int first)
        && int.TryParse(expert, NumberStyles.None, CultureInfo.InvariantCulture, out int second)
            ? new ExpertId(first, second)
            : throw new FormatException($"'{text}' is not an expert; one reads layer/expert, as in 3/17.");

    /// <summary>Order of experts.</summary>
    public static bool operator <(ExpertId left, ExpertId right) => left.CompareTo(right) < 0;

    /// <summary>Order of experts.</summary>
    public static bool operator >(ExpertId left, ExpertId right) => left.CompareTo(right) > 0;

    /// <summary>Order of experts.</summary>
    public static bool operator <=(ExpertId left, ExpertId right) => left.CompareTo(right) <= 0;

    /// <summary>Order of experts.</summary>
    public static bool operator >=(ExpertId left, ExpertId right) => left.CompareTo(right) >= 0;
}
