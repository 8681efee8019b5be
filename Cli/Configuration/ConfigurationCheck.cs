using System.Collections;
using System.Reflection;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;

namespace MoEActors.Cli.Configuration;

/// <summary>
/// Reads JSON into records, and finds every unknown, missing and ill-typed value on the way, each with its path. A serializer alone
/// would stop at the first.
/// </summary>
internal sealed class ConfigurationCheck
{
    /// <summary>Characters of a value that an error repeats.</summary>
    private const int LongestShown = 80;

    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        NumberHandling = JsonNumberHandling.Strict,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.CamelCase, allowIntegerValues: false) },
        RespectNullableAnnotations = true,
    };

    private readonly List<string> _errors = [];
    private readonly HashSet<string> _present = [];
    private readonly HashSet<string> _broken = [];

    /// <summary>The errors in the order of the file, missing values last.</summary>
    public IReadOnlyList<string> Errors => _errors;

    /// <summary>Parses a text; comments and trailing commas are allowed.</summary>
    /// <exception cref="JsonException">The text is no JSON object.</exception>
    /// <exception cref="InvalidOperationException">The text has an escaped half of a surrogate pair.</exception>
    public static JsonObject Parse(string text) => JsonNode.Parse(text, documentOptions: new JsonDocumentOptions
    {
        CommentHandling = JsonCommentHandling.Skip,
        AllowTrailingCommas = true,
        AllowDuplicateProperties = false,
    }) as JsonObject ?? throw new JsonException("It must be one object in braces.");

    /// <summary>Reads an object; values with errors have their defaults.</summary>
    /// <param name="given">The object.</param>
    /// <param name="required">Paths of values that must be there.</param>
    public T Read<T>(JsonObject given, params IEnumerable<string> required)
    {
        JsonObject sound = Sound(given, typeof(T), "$");
        foreach (string path in required.Where(path => !_present.Contains(path)))
        {
            Report(path, "is missing.");
        }

        return sound.Deserialize<T>(Json)!;
    }

    /// <summary>Whether the text has a value at a path.</summary>
    public bool Has(string path) => _present.Contains(path);

    /// <summary>Whether an error may come from the default that stands in for a value with an error of its own.</summary>
    public bool IsAboutABrokenValue(string error) => _broken.Any(name => error.Contains(name, StringComparison.OrdinalIgnoreCase));

    private JsonObject Sound(JsonObject given, Type type, string path)
    {
        Dictionary<string, PropertyInfo> known = type.GetProperties().ToDictionary(property =>
            property.GetCustomAttribute<JsonPropertyNameAttribute>()?.Name ?? JsonNamingPolicy.CamelCase.ConvertName(property.Name));
        var sound = new JsonObject();
        foreach ((string name, JsonNode? value) in given)
        {
            string place = $"{path}.{name}";
            _present.Add(place);
            if (!known.TryGetValue(name, out PropertyInfo? property))
            {
                IEnumerable<string> names = known.Where(entry => entry.Value.CanWrite).Select(entry => entry.Key);
                _errors.Add($"{place} is not known; known here: {string.Join(", ", names)}.");
            }
            else if (!property.CanWrite)
            {
                _errors.Add($"{place} follows from other values; leave it out.");
            }
            else if (IsSection(property.PropertyType) && value is JsonObject section)
            {
                sound[name] = Sound(section, property.PropertyType, place);
            }
            else if (IsReadable(value, property.PropertyType))
            {
                sound[name] = value!.DeepClone();
            }
            else
            {
                Report(place, $"is {Shown(value)}; it must be {Words(property.PropertyType)}.");
            }
        }

        return sound;
    }

    /// <summary>A value as in the file, or its beginning.</summary>
    private static string Shown(JsonNode? value)
    {
        string text = value?.ToJsonString() ?? "null";
        return text.Length <= LongestShown ? text : $"{text[..LongestShown]}...";
    }

    private void Report(string path, string error)
    {
        _errors.Add($"{path} {error}");
        _broken.Add(path[(path.LastIndexOf('.') + 1)..]);
    }

    private static bool IsSection(Type type) => type.IsClass && type != typeof(string) && !typeof(IEnumerable).IsAssignableFrom(type);

    private static bool IsReadable(JsonNode? value, Type type)
    {
        try
        {
            // The serializer accepts a null in a list of texts.
            return value?.Deserialize(type, Json) is { } read && !(read is IEnumerable<string?> texts && texts.Contains(null));
        }
        catch (JsonException)
        {
            return false;
        }
    }

    private static string Words(Type type)
    {
        Type bare = Nullable.GetUnderlyingType(type) ?? type;
        return bare.IsEnum ? $"one of {string.Join(", ", Enum.GetNames(bare).Select(JsonNamingPolicy.CamelCase.ConvertName))}"
            : bare == typeof(int) || bare == typeof(long) ? "a whole number"
            : bare == typeof(ulong) ? "a whole number of at least 0"
            : bare == typeof(float) || bare == typeof(double) ? "a number"
            : bare == typeof(bool) ? "true or false"
            : bare == typeof(string) ? "a text"
            : bare.IsAssignableTo(typeof(IEnumerable<int>)) ? "a list of whole numbers"
            : bare.IsAssignableTo(typeof(IEnumerable<double>)) ? "a list of numbers"
            : bare.IsAssignableTo(typeof(IEnumerable<string>)) ? "a list of texts"
            : "an object in braces";
    }
}
