using System.Text.Json;

namespace MoEActors.Modules.Checkpoints;

/// <summary>Reads JSON that anybody may have written: what is wrong with it is said in words that name the place, not the reader's state.</summary>
internal static class JsonText
{
    /// <summary>Parses a text whose root is an object.</summary>
    /// <exception cref="FormatException">It is no JSON, has a name twice, or is no object.</exception>
    public static JsonDocument Parse(ReadOnlyMemory<byte> text)
    {
        JsonDocument json;
        try
        {
            json = JsonDocument.Parse(text, new JsonDocumentOptions { AllowDuplicateProperties = false });
        }
        catch (JsonException e)
        {
            throw new FormatException(
                e.LineNumber is { } line ? $"it is no JSON from line {line + 1}, byte {e.BytePositionInLine + 1} on" : $"it is no JSON that has one meaning: {e.Message.TrimEnd('.')}",
                e);
        }

        if (json.RootElement.ValueKind == JsonValueKind.Object)
        {
            return json;
        }

        FormatException wrong = Wrong("it", json.RootElement, "one object in braces");
        json.Dispose();
        throw wrong;
    }

    /// <summary>A member that must be there.</summary>
    /// <param name="parent">The object.</param>
    /// <param name="path">Where the member is, in words for a reader of the file.</param>
    /// <param name="name">Its name.</param>
    /// <param name="kind">What it must be.</param>
    /// <exception cref="FormatException">It is missing, or something else.</exception>
    public static JsonElement Required(this JsonElement parent, string path, string name, JsonValueKind kind) =>
        parent.Optional(path, name, kind) ?? throw new FormatException($"it has no {path}");

    /// <summary>A member that may be missing; null when it is.</summary>
    /// <inheritdoc cref="Required" />
    public static JsonElement? Optional(this JsonElement parent, string path, string name, JsonValueKind kind) =>
        !parent.TryGetProperty(name, out JsonElement found) ? null
            : found.ValueKind == kind ? found
            : throw Wrong($"its {path}", found, NameOf(kind));

    /// <summary>A whole number.</summary>
    /// <param name="element">The number.</param>
    /// <param name="path">Where it is.</param>
    /// <exception cref="FormatException">It is no whole number of so many bits.</exception>
    public static long Whole(this JsonElement element, string path) =>
        element.ValueKind == JsonValueKind.Number && element.TryGetInt64(out long number) ? number : throw Wrong(path, element, "a whole number");

    /// <summary>A text.</summary>
    /// <inheritdoc cref="Whole" />
    public static string Words(this JsonElement element, string path)
    {
        try
        {
            return element.ValueKind == JsonValueKind.String ? element.GetString()! : throw Wrong(path, element, "a text");
        }
        catch (InvalidOperationException e)
        {
            throw new FormatException($"{path} is no text that can be read: it has half of a surrogate pair", e);
        }
    }

    private static FormatException Wrong(string path, JsonElement found, string needed)
    {
        string text = found.GetRawText();
        return new FormatException($"{path} is {(text.Length <= 40 ? text : $"{text[..40]}...")}; it must be {needed}");
    }

    private static string NameOf(JsonValueKind kind) => kind switch
    {
        JsonValueKind.Object => "an object",
        JsonValueKind.Array => "a list",
        JsonValueKind.Number => "a number",
        _ => "a text",
    };
}
