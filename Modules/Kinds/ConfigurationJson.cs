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
}
