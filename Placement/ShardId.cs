using System.Globalization;

namespace MoEActors.Placement;

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
