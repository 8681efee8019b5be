using System.Text.Json;
using System.Text.Json.Serialization;

namespace MoEActors.Cli.Invocation;

/// <summary>How everything that this program writes as JSON is named: keys and values of enums in snake case.</summary>
internal static class SnakeCase
{
    /// <summary>For reports in one line.</summary>
    public static JsonSerializerOptions OneLine { get; } = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.SnakeCaseLower) },
        AllowDuplicateProperties = false,
        RespectNullableAnnotations = true,
        RespectRequiredConstructorParameters = true,
    };

    /// <summary>For files, and reports of many lines.</summary>
    public static JsonSerializerOptions Indented { get; } = new(OneLine) { WriteIndented = true };
}
