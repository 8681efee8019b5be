using System.Globalization;

namespace MoEActors.Placement.Map;

/// <summary>One device of one living silo. A silo that restarts has another address, so its devices are new workers.</summary>
/// <param name="Silo">The silo's address, generation included.</param>
/// <param name="Device">Index of the device on the silo.</param>
public readonly record struct WorkerId(string Silo, int Device)
{
    /// <inheritdoc />
    public override string ToString() => $"{Silo}/{Device}";
}

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

/// <summary>The unit of placement: one replica of one slice of one expert.</summary>
/// <param name="Layer">Layer of the model.</param>
/// <param name="Expert">Expert of the layer.</param>
/// <param name="Replica">Full copy that takes a share of the expert's tokens.</param>
/// <param name="Slice">Part of the expert's hidden dimension.</param>
public readonly record struct ShardId(int Layer, int Expert, int Replica = 0, int Slice = 0) : IComparable<ShardId>
{
    /// <summary>The expert that this is a shard of.</summary>
    public ExpertId ExpertId => new(Layer, Expert);

    /// <summary>Canonical order: layer, expert, replica, slice.</summary>
    public int CompareTo(ShardId other) =>
        (Layer, Expert, Replica, Slice).CompareTo((other.Layer, other.Expert, other.Replica, other.Slice));

    /// <summary>As in grain keys: <c>layer/expert/replica.slice</c>.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Layer}/{Expert}/{Replica}.{Slice}");

    /// <summary>Reads what <see cref="ToString"/> wrote.</summary>
    /// <exception cref="FormatException">The text is not a shard.</exception>
    public static ShardId Parse(string text)
    {
        string[] parts = text.Split('/', '.');
        int[] numbers = new int[4];
        bool good = parts.Length == 4;
        for (int i = 0; good && i < 4; i++)
        {
            good = int.TryParse(parts[i], NumberStyles.None, CultureInfo.InvariantCulture, out numbers[i]);
        }

        return good
            ? new ShardId(numbers[0], numbers[1], numbers[2], numbers[3])
            : throw new FormatException($"'{text}' is not an expert shard; one reads layer/expert/replica.slice, as in 3/17/0.0.");
    }

    /// <summary>Order of shards.</summary>
    public static bool operator <(ShardId left, ShardId right) => left.CompareTo(right) < 0;

    /// <summary>Order of shards.</summary>
    public static bool operator >(ShardId left, ShardId right) => left.CompareTo(right) > 0;

    /// <summary>Order of shards.</summary>
    public static bool operator <=(ShardId left, ShardId right) => left.CompareTo(right) <= 0;

    /// <summary>Order of shards.</summary>
    public static bool operator >=(ShardId left, ShardId right) => left.CompareTo(right) >= 0;
}
