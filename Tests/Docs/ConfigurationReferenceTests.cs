using System.Collections;
using System.Globalization;
using System.Net;
using System.Reflection;
using System.Text.Json;
using System.Text.Json.Serialization;
using MoEActors.Cli.Configuration;
using MoEActors.Cli.Silos;
using MoEActors.Dashboard.Serving;
using MoEActors.Modules.Gates;
using MoEActors.Modules.Models;
using MoEActors.Modules.Optimizers;
using MoEActors.Native.Communication.Tcp;
using MoEActors.Silo.Clustering;
using MoEActors.Silo.Embedded;
using MoEActors.Silo.Hosting;

namespace MoEActors.Tests.Docs;

/// <summary>docs/configuration.md and docs/deploy.md have every option with its default, and no other.</summary>
public class ConfigurationReferenceTests
{
    private static readonly string Reference = string.Concat(new[] { "configuration.md", "deploy.md" }
        .Select(file => File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "Docs", file)).ReplaceLineEndings("\n")));

    [Theory]
    [InlineData(typeof(TrainFile), true)]
    [InlineData(typeof(RunConfiguration), true)]
    [InlineData(typeof(ModelConfiguration), true)]
    [InlineData(typeof(GateOptions), true)]
    [InlineData(typeof(OptimizerOptions), true)]
    [InlineData(typeof(EmbeddedClusterOptions), false)]
    [InlineData(typeof(MoEOptions), false)]
    [InlineData(typeof(MoEDashboardOptions), false)]
    [InlineData(typeof(TcpOptions), false)]
    [InlineData(typeof(MoEClusterOptions), false)]
    [InlineData(typeof(SiloFile), true)]
    public void Every_option_is_in_the_reference_with_its_default(Type type, bool isJson)
    {
        object defaults = Activator.CreateInstance(type)!;
        IEnumerable<string> expected = type.GetProperties().Where(property => property.SetMethod is { IsPublic: true }).Select(property =>
            $"| `{(isJson ? JsonName(property) : property.Name)}` | {Words(property, property.GetValue(defaults))} |");
        Assert.Equal(expected, Rows(type.Name));
    }

    private static string JsonName(PropertyInfo property) =>
        property.GetCustomAttribute<JsonPropertyNameAttribute>()?.Name ?? JsonNamingPolicy.CamelCase.ConvertName(property.Name);

    /// <summary>The first two columns of the table under a heading.</summary>
    private static IEnumerable<string> Rows(string heading)
    {
        string section = Reference.Split($"### {heading}\n", 2) is { Length: 2 } parts ? parts[1].Split("\n#")[0] : "";
        return section.Split('\n')
            .Where(line => line.StartsWith("| `", StringComparison.Ordinal))
            .Select(line => line[..(line.IndexOf('|', line.IndexOf("` | ", StringComparison.Ordinal) + 4) + 1)]);
    }

    private static string Words(PropertyInfo property, object? value) => value switch
    {
        null => "none",
        string text => text,
        bool truth => truth ? "true" : "false",
        Enum choice => JsonNamingPolicy.CamelCase.ConvertName(choice.ToString()),
        IEnumerable list => $"[{string.Join(", ", list.Cast<object>())}]",
        Delegate => "set",
        EndPoint place => place.ToString()!,
        IFormattable number => number.ToString(null, CultureInfo.InvariantCulture).Replace("E-", "e-", StringComparison.Ordinal),
        _ => $"the {char.ToLowerInvariant(property.Name[0])}{property.Name[1..]}'s own defaults",
    };
}
