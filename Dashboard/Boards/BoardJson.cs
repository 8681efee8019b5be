using System.Text.Json;
using System.Text.Json.Serialization;

namespace MoEActors.Dashboard.Boards;

/// <summary>JSON as the page and the API have it.</summary>
internal static class BoardJson
{
    /// <summary>The default encoder also escapes what HTML could take for markup.</summary>
    public static JsonSerializerOptions Options { get; } = Set(new JsonSerializerOptions());

    /// <summary>A value as JSON; null when that is what was there before.</summary>
    public static byte[]? Changed<T>(T value, byte[]? before)
    {
        byte[] json = JsonSerializer.SerializeToUtf8Bytes(value, Options);
        return before is not null && json.AsSpan().SequenceEqual(before) ? null : json;
    }

    /// <summary>Sets options.</summary>
    public static JsonSerializerOptions Set(JsonSerializerOptions options)
    {
        options.PropertyNamingPolicy = JsonNamingPolicy.CamelCase;
        options.Converters.Add(new JsonStringEnumConverter(JsonNamingPolicy.CamelCase));
        options.NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals;
        return options;
    }
}
