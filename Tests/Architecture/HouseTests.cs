using System.Reflection;
using System.Text.RegularExpressions;
using MoEActors.Client;
using MoEActors.Grains.Interfaces.Training;
using MoEActors.Grains.Training;
using MoEActors.Modules.Models;
using MoEActors.Native;
using MoEActors.Placement.Map;
using MoEActors.Workers.Host;

namespace MoEActors.Tests.Architecture;

/// <summary>What ARCHITECTURE.md says of the house, drawn from the code.</summary>
public class HouseTests
{
    public static TheoryData<string> Projects => [.. SourceTree.Projects];

    [Theory]
    [MemberData(nameof(Projects))]
    public void Folders_of_a_project_depend_on_each_other_in_one_direction(string project)
    {
        Dictionary<string, HashSet<string>> graph = Graph([.. SourceTree.FilesOf(project)]);
        List<string> circle = CircleIn(graph);
        Assert.True(circle.Count == 0, $"{project} has a circle of folders: {string.Join(" -> ", circle)}.");
    }

    [Fact]
    public void A_circle_of_folders_would_be_found()
    {
        SourceTree.SourceFile[] files =
        [
            new("P/A/One.cs", "using X.B;\nnamespace X.A;\npublic class One { Two two; }\n"),
            new("P/B/Two.cs", "namespace X.B;\npublic class Two { Three three = C.Three.Make(); }\n"),
            new("P/C/Three.cs", "using X.A;\nnamespace X.C;\npublic class Three { One one; }\n"),
        ];
        Assert.Equal(["X.A", "X.B", "X.C", "X.A"], CircleIn(Graph(files)));
        Assert.Empty(CircleIn(Graph(files[..2])));
    }

    [Fact]
    public void Projects_depend_downward_only()
    {
        // By project: the projects of ours that it may know.
        Dictionary<Assembly, string[]> mayKnow = new()
        {
            [typeof(IDevice).Assembly] = [],
            [typeof(PlacementMap).Assembly] = [],
            [typeof(ModelConfiguration).Assembly] = ["Native"],
            [typeof(WorkerHost).Assembly] = ["Native", "Placement", "Modules"],
            [typeof(ITrainingGrain).Assembly] = ["Native", "Placement", "Modules"],
            [typeof(TrainingGrain).Assembly] = ["Native", "Placement", "Modules", "Workers", "Grains.Interfaces"],
            [typeof(MoECluster).Assembly] = ["Native", "Placement", "Modules", "Grains.Interfaces"],
        };
        foreach ((Assembly assembly, string[] known) in mayKnow)
        {
            IEnumerable<string> ours = assembly.GetReferencedAssemblies().Select(name => name.Name!)
                .Where(name => name.StartsWith("MoEActors.", StringComparison.Ordinal)).Select(name => name["MoEActors.".Length..]);
            Assert.Empty(ours.Except(known).Select(name => $"{assembly.GetName().Name} knows {name}"));
        }
    }

    /// <summary>No grain's turn computes: the compiler sees to it, as the engine cannot name a grain.</summary>
    [Fact]
    public void The_engine_knows_of_Orleans_its_serialization_alone()
    {
        string[] allowed = ["Orleans.Serialization", "Orleans.Serialization.Abstractions"];
        IEnumerable<string> orleans = typeof(WorkerHost).Assembly.GetReferencedAssemblies().Select(name => name.Name!)
            .Where(name => name.StartsWith("Orleans", StringComparison.Ordinal));
        Assert.Empty(orleans.Except(allowed));
        foreach (Assembly below in new[] { typeof(IDevice).Assembly, typeof(PlacementMap).Assembly, typeof(ModelConfiguration).Assembly })
        {
            Assert.DoesNotContain(below.GetReferencedAssemblies(), name => name.Name!.StartsWith("Orleans", StringComparison.Ordinal));
        }
    }

    /// <summary>Who gets a library's message may never have seen the command line.</summary>
    [Fact]
    public void Libraries_speak_of_no_option_and_no_command_of_the_program()
    {
        IEnumerable<SourceTree.SourceFile> libraries = SourceTree.Projects.Except(["Benchmarks", "Cli"]).SelectMany(SourceTree.FilesOf)
            .Where(file => !file.Path.EndsWith("/KernelCompiler.cs", StringComparison.Ordinal));
        Assert.Empty(
            from file in libraries
            from line in file.Text.Split('\n')
            where !line.TrimStart().StartsWith("//", StringComparison.Ordinal)
            where Regex.IsMatch(line, """
                "[^"]*((?<![\w-])--[a-z]{3,}|\bmoe (train|resume|stop|demo|evaluate|generate|estimate|status|history|runs|silo|cluster|doctor)\b)
                """.Trim())
            select $"{file.Path}: {line.Trim()}");
    }

    [Theory]
    [MemberData(nameof(Projects))]
    public void Files_and_folders_stay_small(string project)
    {
        SourceTree.SourceFile[] files = [.. SourceTree.FilesOf(project)];
        Assert.NotEmpty(files);
        Assert.Empty(files.Where(file => file.Lines > 400).Select(file => $"{file.Path} has {file.Lines} lines: two ideas?"));
        Assert.Empty(files.GroupBy(file => file.Folder).Where(folder => folder.Count() > 25).Select(folder => $"{folder.Key} has {folder.Count()} files"));
        Assert.Empty(files.Where(file => Regex.IsMatch(file.Text, "^ *#if", RegexOptions.Multiline)).Select(file => $"{file.Path} is compiled in part"));
    }

    /// <summary>By namespace: the namespaces of the project whose types its files name, whether imported, qualified, or seen as a parent's.</summary>
    private static Dictionary<string, HashSet<string>> Graph(SourceTree.SourceFile[] files)
    {
        Dictionary<string, string[]> types = files.GroupBy(file => file.Namespace)
            .ToDictionary(group => group.Key, group => group.SelectMany(file => file.DeclaredTypes).Distinct().ToArray());
        Dictionary<string, HashSet<string>> graph = [];
        foreach (SourceTree.SourceFile file in files)
        {
            HashSet<string> known = graph.TryGetValue(file.Namespace, out HashSet<string>? found) ? found : graph[file.Namespace] = [];
            foreach (string other in types.Keys.Where(other => other != file.Namespace))
            {
                bool isParent = file.Namespace.StartsWith(other + ".", StringComparison.Ordinal);
                string last = other[(other.LastIndexOf('.') + 1)..];
                if (file.Usings.Contains(other)
                    || (isParent && types[other].Any(type => Regex.IsMatch(file.Code, $@"(?<![.\w]){type}\b")))
                    || types[other].Any(type => Regex.IsMatch(file.Code, $@"\b{last}\.{type}\b")))
                {
                    known.Add(other);
                }
            }
        }

        return graph;
    }

    /// <summary>A circle, its first member again at the end; empty where there is none.</summary>
    private static List<string> CircleIn(Dictionary<string, HashSet<string>> graph)
    {
        HashSet<string> done = [];
        List<string> path = [];
        foreach (string start in graph.Keys.Order(StringComparer.Ordinal))
        {
            if (Visit(start) is { } circle)
            {
                return circle;
            }
        }

        return [];

        List<string>? Visit(string node)
        {
            int before = path.IndexOf(node);
            if (before >= 0)
            {
                return [.. path[before..], node];
            }

            if (!done.Add(node))
            {
                return null;
            }

            path.Add(node);
            foreach (string next in graph.GetValueOrDefault(node, []).Order(StringComparer.Ordinal))
            {
                if (Visit(next) is { } circle)
                {
                    return circle;
                }
            }

            path.RemoveAt(path.Count - 1);
            return null;
        }
    }
}
