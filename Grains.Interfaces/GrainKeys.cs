using System.Globalization;
using MoEActors.Placement.Map;

namespace MoEActors.Grains.Interfaces;

/// <summary>Keys of grains: <c>model/layer/expert/replica.slice</c> and <c>model/layer/gate/rank</c>.</summary>
public static class GrainKeys
{
    private const string GateMark = "/gate/";

    /// <summary>Key of an expert grain.</summary>
    public static string Expert(string model, ShardId shard) => $"{model}/{shard}";

    /// <summary>Key of a gate grain.</summary>
    public static string Gate(string model, int layer, int rank) =>
        string.Create(CultureInfo.InvariantCulture, $"{model}/{layer}{GateMark}{rank}");

    /// <summary>The model that a key names.</summary>
    public static string Model(string key)
    {
        int end = key.IndexOf('/', StringComparison.Ordinal);
        return end > 0 ? key[..end] : throw new FormatException($"The grain key '{key}' names no model.");
    }

    /// <summary>Whether a key is a gate's; if so, its layer and rank.</summary>
    public static bool TryGate(string key, out int layer, out int rank)
    {
        layer = rank = 0;
        int mark = key.IndexOf(GateMark, StringComparison.Ordinal);
        int model = key.IndexOf('/', StringComparison.Ordinal);
        return mark > model && model > 0
            && int.TryParse(key.AsSpan(model + 1, mark - model - 1), NumberStyles.None, CultureInfo.InvariantCulture, out layer)
            && int.TryParse(key.AsSpan(mark + GateMark.Length), NumberStyles.None, CultureInfo.InvariantCulture, out rank);
    }

    /// <summary>The shard of an expert's key.</summary>
    /// <exception cref="FormatException">The key is not an expert's.</exception>
    public static ShardId Shard(string key) => ShardId.Parse(key[(Model(key).Length + 1)..]);

    /// <summary>Whether a model may be called so: letters, digits, '-', '_' and '.'.</summary>
    public static bool IsModelName(string model) => !string.IsNullOrEmpty(model) && model.All(IsAllowed);

    /// <summary>Throws unless a model may be called so: letters, digits, '-', '_' and '.'.</summary>
    /// <exception cref="Errors.InvalidRequestException">Naming the first character that is not allowed.</exception>
    public static void ValidateModelName(string model)
    {
        if (string.IsNullOrEmpty(model))
        {
            throw new Errors.InvalidRequestException("A model needs a name of letters, digits, '-', '_' and '.'.");
        }

        foreach (char c in model)
        {
            if (!IsAllowed(c))
            {
                throw new Errors.InvalidRequestException($"The model name '{model}' contains '{c}'; letters, digits, '-', '_' and '.' are allowed.");
            }
        }
    }

    private static bool IsAllowed(char c) => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.';
}
