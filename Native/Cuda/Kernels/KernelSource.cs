using System.Reflection;
using System.Text.RegularExpressions;

namespace MoEActors.Native.Cuda.Kernels;

/// <summary>The texts of the kernels, which travel inside the assembly: what is compiled is the preludes and, behind them, one family's file.</summary>
internal static partial class KernelSource
{
    private const string Ending = ".cu";
    private const string Prelude = "prelude_";

    private static readonly string[] Preludes = [Prelude + "elements", Prelude + "sums"];

    /// <summary>The families, in the order of their names.</summary>
    public static IReadOnlyList<string> Families { get; } =
    [
        .. typeof(KernelSource).Assembly.GetManifestResourceNames().Where(name => name.EndsWith(Ending, StringComparison.Ordinal))
            .Select(name => name[..^Ending.Length]).Where(name => !name.StartsWith(Prelude, StringComparison.Ordinal)).Order(StringComparer.Ordinal),
    ];

    /// <summary>What is compiled for a family. Line numbers in messages are those of its file.</summary>
    public static string Of(string family) => $"{string.Concat(Preludes.Select(Read))}\n#line 1 \"{family}{Ending}\"\n{Read(family)}";

    /// <summary>The kernels of a family that its text names; those that a macro writes are not among them.</summary>
    public static IEnumerable<KernelName> KernelsOf(string family) =>
        GlobalFunction().Matches(Read(family)).Select(match => new KernelName(family, match.Groups[1].Value));

    [GeneratedRegex(@"__global__ void (?:__launch_bounds__\([^)]*\) )?(\w+)\(")]
    private static partial Regex GlobalFunction();

    private static string Read(string name)
    {
        using Stream stream = Assembly.GetExecutingAssembly().GetManifestResourceStream(name + Ending)
            ?? throw new ArgumentException($"There is no file {name}{Ending} among the kernels.", nameof(name));
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }
}
