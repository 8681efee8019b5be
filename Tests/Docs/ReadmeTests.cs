using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;

namespace MoEActors.Tests.Docs;

/// <summary>Documentation that says what is so.</summary>
public class ReadmeTests
{
    [Fact]
    public void The_example_of_the_readme_is_the_one_that_compiles()
    {
        string[] source = File.ReadAllLines(Path.Combine(AppContext.BaseDirectory, "Docs", "ReadmeExample.cs"));
        int start = Array.FindIndex(source, line => line.Contains("RunAsync()", StringComparison.Ordinal)) + 2;
        IEnumerable<string> body = source[start..].TakeWhile(line => line != "    }").Select(line => line.Length > 8 ? line[8..] : "");
        string readme = File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "Docs", "README.md")).ReplaceLineEndings("\n");
        Assert.Contains($"```csharp\n{string.Join('\n', body)}\n```", readme, StringComparison.Ordinal);
    }

    [Fact]
    public void The_packages_bring_the_usings_of_the_programs_that_are_shown()
    {
        string[] brought = Found("*.props", "<Using Include=\"([\\w.]+)\" />");
        string[] needed = Found("*Example.cs", "(?m)^using ([\\w.]+);");

        // And a host's of its own, which PackageTests builds.
        Assert.Equal(needed.Append("MoEActors.Silo.Hosting").Distinct().Order(StringComparer.Ordinal), brought.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Nothing_is_left_that_was_to_be_filled_in()
    {
        string root = Path.GetFullPath(Path.Combine(Path.GetDirectoryName(Here())!, "..", ".."));
        string[] files = [Path.Combine(root, "README.md"), .. Directory.GetFiles(Path.Combine(root, "docs"), "*.md", SearchOption.AllDirectories)];
        Assert.All(files, file => Assert.DoesNotMatch("@@[A-Z]+@@|TODO|FIXME|TBD", File.ReadAllText(file)));
    }

    private static string Here([CallerFilePath] string here = "") => here;

    private static string[] Found(string files, string pattern) =>
    [
        .. Directory.GetFiles(Path.Combine(AppContext.BaseDirectory, "Docs"), files, SearchOption.AllDirectories)
            .SelectMany(file => Regex.Matches(File.ReadAllText(file), pattern)).Select(match => match.Groups[1].Value),
    ];
}
