using System.Text.Json;

namespace MoEActors.Tests.Reference;

/// <summary>
/// The float64 references, made with another framework: every JSON file beside these tests, or in the folder that the environment variable
/// MOE_REFERENCE_DIR names. A folder without cases of a kind is a failure, not a pass.
/// </summary>
internal static class ReferenceFolder
{
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

        return data;
    }

    public static JsonElement Case(string file, string name) =>
        All().Single(entry => entry.File == file && entry.Case.GetProperty("name").GetString() == name).Case;

    public static IEnumerable<(string File, JsonElement Case)> All()
    {
        string folder = Environment.GetEnvironmentVariable("MOE_REFERENCE_DIR") is { Length: > 0 } named
            ? named
            : Path.Combine(AppContext.BaseDirectory, "Reference");
        string[] files = Directory.Exists(folder) ? Directory.GetFiles(folder, "*.json").Order(StringComparer.Ordinal).ToArray() : [];
        foreach (string file in files)
        {
            using JsonDocument document = JsonDocument.Parse(File.ReadAllText(file));
            foreach (JsonElement item in document.RootElement.GetProperty("cases").EnumerateArray())
            {
                yield return (Path.GetFileName(file), item.Clone());
            }
        }
    }
}
