using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;

namespace MoEActors.Tests.Architecture;

/// <summary>The product's own source files, read where they were compiled from.</summary>
internal static partial class SourceTree
{
    /// <summary>Product projects, the lowest first.</summary>
    public static readonly string[] Projects =
        ["Native", "Placement", "Modules", "Workers", "Grains.Interfaces", "Grains", "Client", "Silo", "Dashboard", "Benchmarks", "Cli"];

    private static readonly string Root = FindRoot();

    /// <summary>The source files of a project, by their path in the repository.</summary>
    public static IEnumerable<SourceFile> FilesOf(string project) =>
        from path in Directory.EnumerateFiles(Path.Combine(Root, project), "*.cs", SearchOption.AllDirectories)
        let relative = Path.GetRelativePath(Root, path).Replace('\\', '/')
        where !relative.Contains("/obj/", StringComparison.Ordinal) && !relative.Contains("/bin/", StringComparison.Ordinal)
        select new SourceFile(relative, File.ReadAllText(path));

    private static string FindRoot([CallerFilePath] string here = "") => Path.GetFullPath(Path.Combine(Path.GetDirectoryName(here)!, "..", ".."));

    /// <summary>A source file.</summary>
    internal sealed record SourceFile(string Path, string Text)
    {
        public int Lines => Text.Count(c => c == '\n');

        public string Folder => Path[..Path.LastIndexOf('/')];

        public string Namespace => NamespaceOf().Match(Text).Groups[1].Value;

        public IEnumerable<string> Usings => UsingOf().Matches(Text).Select(match => match.Groups[1].Value);

        /// <summary>The code without comments and texts, in which names are looked for.</summary>
        public string Code => Noise().Replace(Text, " ");

        public IEnumerable<string> DeclaredTypes => TypeOf().Matches(Code).Select(match => match.Groups[1].Value);
    }

    [GeneratedRegex(@"^namespace ([\w.]+);", RegexOptions.Multiline)]
    private static partial Regex NamespaceOf();

    [GeneratedRegex(@"^using (?:static )?([\w.]+);", RegexOptions.Multiline)]
    private static partial Regex UsingOf();

    [GeneratedRegex(@"^using [^\n]*|//[^\n]*|""(?:\\.|[^""\\\n])*""", RegexOptions.Multiline)]
    private static partial Regex Noise();

    [GeneratedRegex(@"^(?:public|internal)[\w ]*? (?:class|record struct|record|struct|interface|enum|delegate [\w\[\]<>?]+) (\w+)", RegexOptions.Multiline)]
    private static partial Regex TypeOf();
}
