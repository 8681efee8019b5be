using System.Reflection;

namespace MoEActors.Native.Cuda.Kernels;

/// <summary>The texts of the kernels, which travel inside the assembly: what is compiled is the prelude and, behind it, one family's file.</summary>
internal static class KernelSource
{
    private const string Ending = ".cu";
    private const string Prelude = "prelude";

    /// <summary>The families, in the order of their names.</summary>
    public static IReadOnlyList<string> Families { get; } =
    [
        .. typeof(KernelSource).Assembly.GetManifestResourceNames().Where(name => name.EndsWith(Ending, StringComparison.Ordinal))
            .Select(name => name[..^Ending.Length]).Where(name => name != Prelude).Order(StringComparer.Ordinal),
    ];

    /// <summary>What is compiled for a family. Line numbers in messages are those of its file.</summary>
    public static string Of(string family) => $"{Read(Prelude)}\n#line 1 \"{family}{Ending}\"\n{Read(family)}";

    private static string Read(string name)
    {
        using Stream stream = Assembly.GetExecutingAssembly().GetManifestResourceStream(name + Ending)
            ?? throw new ArgumentException($"There is no file {name}{Ending} among the kernels.", nameof(name));
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }
}
