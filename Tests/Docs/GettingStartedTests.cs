using System.Text.RegularExpressions;
using MoEActors.Cli.Configuration;
using MoEActors.Tests.Cli;
using MoEActors.Tests.Client.Data;

namespace MoEActors.Tests.Docs;

/// <summary>What the guides show is what there is.</summary>
public class GettingStartedTests
{
    [Fact]
    public void The_program_of_the_guide_is_the_example()
    {
        string[] source = Read("OwnText.cs").Split('\n');
        int start = Array.FindIndex(source, line => line.Contains("RunAsync(", StringComparison.Ordinal));
        int end = Array.IndexOf(source, "    }", start);
        string program = string.Join('\n', source[start..(end + 1)].Select(line => line.Length > 4 ? line[4..] : ""));
        Assert.Contains($"```csharp\n{program}\n```", Read("getting-started.md"), StringComparison.Ordinal);
    }

    [Fact]
    public void The_history_of_the_guide_is_one_that_compiles()
    {
        string[] source = Read("HistoryExample.cs").Split('\n');
        int start = Array.FindIndex(source, line => line.Contains("RunAsync(", StringComparison.Ordinal)) + 2;
        string body = string.Join('\n', source[start..].TakeWhile(line => line != "    }").Select(line => line.Length > 8 ? line[8..] : ""));
        Assert.Contains($"```csharp\n{body}\n```", Read("getting-started.md"), StringComparison.Ordinal);
    }

    [Fact]
    public void The_programs_of_the_guide_to_layers_are_in_the_examples()
    {
        string[] examples =
        [
            .. Directory.GetFiles(Path.Combine(AppContext.BaseDirectory, "Docs"), "*.cs")
                .Select(file => Dedented(File.ReadAllText(file).ReplaceLineEndings("\n"))),
        ];
        string[] programs = [.. Regex.Matches(Read("layers.md"), "```csharp\n(.*?)```", RegexOptions.Singleline).Select(match => match.Groups[1].Value)];
        Assert.NotEmpty(programs);
        Assert.All(programs, program => Assert.Contains(examples, example => example.Contains(Dedented(program), StringComparison.Ordinal)));
    }

    /// <summary>Whoever copies an example into a project of their own, as its guide says, needs the packages that it has here.</summary>
    [Theory]
    [InlineData("OwnText", "getting-started.md")]
    [InlineData("OwnBackbone", "layers.md")]
    [InlineData("OwnKinds", "layers.md")]
    [InlineData("WebHost", "hosting.md")]
    [InlineData("TrainingWorker", "hosting.md")]
    public void A_guide_adds_all_packages_that_its_example_takes(string example, string guide)
    {
        string project = Read($"Projects/{example}.csproj");
        Assert.Equal("../../../Silo/Silo.csproj", Assert.Single(Named(project, "<ProjectReference Include=\"([^\"]+)\"")));
        string[] added = [.. Named(Read(guide), "(?m)^dotnet add (?:\\S+ )?package (.+)$")];
        Assert.Contains("MoEActors.Hosting", added);
        foreach (string package in Named(project, "<PackageReference Include=\"([^\"]+)\""))
        {
            // What has previews only is not found without being told so.
            string version = Assert.Single(Named(Read("Projects/Directory.Packages.props"), $"\"{Regex.Escape(package)}\" Version=\"([^\"]+)\""));
            Assert.Contains(version.Contains('-', StringComparison.Ordinal) ? $"{package} --prerelease" : package, added);
        }
    }

    [Fact]
    public void The_file_of_the_reference_is_one_that_can_be_read()
    {
        using var folder = new TemporaryFolder();
        string json = Regex.Match(Read("configuration.md"), "```json\n(.*?)```", RegexOptions.Singleline).Groups[1].Value;
        TrainFile file = TrainFile.Read(folder.Write("file.json", json));
        Assert.Equal(("mine", 100, false), (file.Name, file.SaveEvery, file.HasSchedule));
    }

    [Fact]
    public async Task Every_command_of_the_guide_is_known_with_its_options()
    {
        string[] lines = [.. Read("getting-started.md").Split('\n').Where(line => line.StartsWith("./moe ", StringComparison.Ordinal))];
        Assert.NotEmpty(lines);
        foreach (string line in lines)
        {
            string[] words = line.Split(' ');
            CommandLineRun help = await CommandLineRun.Of(words[1], "--help");
            Assert.Equal(0, help.ExitCode);
            Assert.All(words.Where(word => word.StartsWith("--", StringComparison.Ordinal)), option => Assert.Contains(option, help.Output, StringComparison.Ordinal));
        }
    }

    private static string Dedented(string program) => string.Join('\n', program.Split('\n').Select(line => line.TrimStart()));

    private static IEnumerable<string> Named(string text, string pattern) => Regex.Matches(text, pattern).Select(match => match.Groups[1].Value);

    private static string Read(string file) =>
        File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "Docs", file)).ReplaceLineEndings("\n");
}
