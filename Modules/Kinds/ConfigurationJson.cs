using System.Text.Json;
using System.Text.Json.Serialization;

namespace MoEActors.Modules.Kinds;

/// <summary>The JSON form of configurations: names in camel case, unknown and missing properties refused.</summary>
internal static class ConfigurationJson
{
    public static JsonSerializerOptions Options { get; } = new(JsonSerializerDefaults.Web)
    {
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        AllowDuplicateProperties = false,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.CamelCase) },
        RespectNullableAnnotations = true,

        // Numbers that are none are refused where they are checked, with all other errors.
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
        WriteIndented = true,
    };

    /// <summary>What is wrong with a text and where, in words for who wrote it: the reader's own message counts bytes of a part of the text.</summary>
    public static string WordsOf(JsonException e)
    {
        string message = e.Message.Split([" Path: ", " LineNumber: "], StringSplitOptions.None)[0];
        return $"At {e.Path ?? "the start"}: {message}";
    }
}
