using System.Text.Json;

namespace MoEActors.Tests.Reference;

/// <summary>
/// The float64 references, made with another framework: every JSON file beside these tests, or in the folder that the environment variable
/// MOE_REFERENCE_DIR names. A folder without cases of a kind is a failure, not a pass.
/// </summary>
internal static class ReferenceFolder
{
    /// <summary>A case of a MoE layer alone.</summary>
    public static bool IsLayer(JsonElement item) => item.TryGetProperty("expert", out _);

    /// <summary>A case of a whole language model.</summary>
    public static bool IsModel(JsonElement item) => item.TryGetProperty("vocabulary", out _);

    public static TheoryData<string, string, int> Cases(Func<JsonElement, bool> belongs)
    {
        var data = new TheoryData<string, string, int>();
        foreach ((string file, JsonElement item) in All().Where(entry => belongs(entry.Case)))
        {
            foreach (int workers in new[] { 1, 2 })
            {
                data.Add(file, item.GetProperty("name").GetString()!, workers);
            }
        }

        // A theory without data fails; a folder may well have references of one kind alone.
        if (data.Count == 0)
        {
            data.Add("", "none of this kind", 0);
        }

        return data;
    }

    public static JsonElement Case(string file, string name) =>
        All().Single(entry => entry.File == file && entry.Case.GetProperty("name").GetString() == name).Case;

    public static IEnumerable<(string File, JsonElement Case)> All()
    {
        foreach (string file in Files())
        {
            using JsonDocument document = JsonDocument.Parse(File.ReadAllText(file));
            foreach (JsonElement item in document.RootElement.GetProperty("cases").EnumerateArray())
            {
                yield return (Path.GetFileName(file), item.Clone());
            }
        }
    }

    /// <summary>The files of the folder, in order.</summary>
    public static string[] Files()
    {
        string folder = Environment.GetEnvironmentVariable("MOE_REFERENCE_DIR") is { Length: > 0 } named
            ? named
            : Path.Combine(AppContext.BaseDirectory, "Reference");
        return Directory.Exists(folder) ? [.. Directory.GetFiles(folder, "*.json").Order(StringComparer.Ordinal)] : [];
    }
}
