using System.ComponentModel;
using System.Reflection;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace MoEActors.Cli.Silos;

/// <summary>A value that a silo can be told, and the three ways to tell it.</summary>
/// <param name="property">Its property.</param>
internal sealed class SiloValue(PropertyInfo property)
{
    /// <summary>All values, in their order.</summary>
    public static IReadOnlyList<SiloValue> All { get; } = [.. typeof(SiloFile).GetProperties().Where(one => one.CanWrite).Select(one => new SiloValue(one))];

    /// <summary>Its name in JSON.</summary>
    public string Name { get; } = JsonNamingPolicy.CamelCase.ConvertName(property.Name);

    /// <summary>Its name in the environment.</summary>
    public string Variable { get; } = $"MOE_{JsonNamingPolicy.SnakeCaseUpper.ConvertName(property.Name)}";

    /// <summary>Its name as an option.</summary>
    public string Option { get; } = $"--{JsonNamingPolicy.KebabCaseLower.ConvertName(property.Name)}";

    /// <summary>What it is.</summary>
    public string Description => property.GetCustomAttribute<DescriptionAttribute>()!.Description;

    /// <summary>What an option's help calls the value.</summary>
    public string What => IsNumber ? "N" : property.Name.EndsWith("File", StringComparison.Ordinal) ? "FILE" : "TEXT";

    /// <summary>How it can be told.</summary>
    public string Ways => $"{Option} (or {Variable}, or $.{Name} in the file)";

    private bool IsFlag => property.PropertyType == typeof(bool?);

    private bool IsNumber => property.PropertyType == typeof(int?) || property.PropertyType == typeof(long?);

    /// <summary>The value of this name.</summary>
    public static SiloValue Of(string name) => All.First(value => value.Name == name);

    /// <summary>What was written, as JSON: a number or a truth where one is wanted and was written, else a text, which is then found to be none.</summary>
    public JsonNode Node(string text) => IsFlag && bool.TryParse(text, out bool flag) ? JsonValue.Create(flag) : IsNumber && PlainNumber.TryParse(text, out long number) ? JsonValue.Create(number) : JsonValue.Create(text);
}
