using System.Reflection;
using System.Runtime.CompilerServices;
using MoEActors.Client;
using MoEActors.Dashboard.Hosting;
using MoEActors.Grains.Interfaces.Training;
using MoEActors.Modules.Models;
using MoEActors.Native;
using MoEActors.Placement.Map;
using PublicApiGenerator;

namespace MoEActors.Tests.Api;

/// <summary>What libraries offer changes only when somebody means it.</summary>
public class ApiTests
{
    /// <summary>Set it to 1 and run this class to record what is there now.</summary>
    private const string Accept = "MOE_ACCEPT_API";

    [Theory]
    [InlineData("Client", typeof(MoECluster))]
    [InlineData("Dashboard", typeof(MoEDashboardExtensions))]
    [InlineData("Grains.Interfaces", typeof(ITrainingGrain))]
    [InlineData("Modules", typeof(ModelConfiguration))]
    [InlineData("Placement", typeof(PlacementMap))]
    [InlineData("Native", typeof(IDevice))]
    public void The_public_api_is_what_is_recorded(string library, Type member)
    {
        string actual = Print(member.Assembly);
        if (Environment.GetEnvironmentVariable(Accept) == "1")
        {
            File.WriteAllText(Path.Combine(SourceFolder(), $"{library}.txt"), actual);
            return;
        }

        string recorded = Path.Combine(AppContext.BaseDirectory, "Api", $"{library}.txt");
        string expected = File.Exists(recorded) ? File.ReadAllText(recorded).ReplaceLineEndings("\n") : "";
        if (actual != expected)
        {
            Assert.Fail(
                $"The public API of {library} differs from Tests/Api/{library}.txt:\n{Difference(expected, actual)}"
                + $"If that is meant, run {Accept}=1 ./moe test {nameof(ApiTests)}, read the difference, and commit it.");
        }
    }

    private static string Print(Assembly library) => library.GeneratePublicApi(new ApiGeneratorOptions
    {
        // Serializer code that Orleans generates is public and no offer.
        IncludeTypes =
        [
            .. library.GetExportedTypes().Where(type =>
                type.Namespace?.StartsWith("MoEActors", StringComparison.Ordinal) == true && !type.IsDefined(typeof(CompilerGeneratedAttribute))),
        ],
        IncludeAssemblyAttributes = false,

        // They name types of the compiler's, which change with every edit.
        ExcludeAttributes =
        [
            "System.Runtime.CompilerServices.AsyncIteratorStateMachineAttribute",
            "System.Runtime.CompilerServices.IteratorStateMachineAttribute",
        ],
    }).ReplaceLineEndings("\n");

    private static string Difference(string expected, string actual)
    {
        string[] before = expected.Split('\n');
        string[] after = actual.Split('\n');
        IEnumerable<string> gone = before.Except(after).Select(line => $"- {line}");
        IEnumerable<string> added = after.Except(before).Select(line => $"+ {line}");
        return string.Concat(gone.Concat(added).Take(40).Select(line => $"{line}\n"));
    }

    private static string SourceFolder([CallerFilePath] string file = "") => Path.GetDirectoryName(file)!;
}
