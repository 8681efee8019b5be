using System.Globalization;

namespace MoEActors.Cli.Invocation;

/// <summary>Errors of a process that the system gives too little: what they say is where it was noticed, not what to raise.</summary>
internal static class Scarcity
{
    private const string TooManyFiles = "Too many open files";
    private const string RaiseFiles = "too few files may be open at a time. Raise the limit: ulimit -n 1024.";

    /// <summary>Files that .NET needs before it does anything; it maps its memory by some of them.</summary>
    private const long FewestFiles = 256;

    /// <summary>What is scarce and how to get more of it; null for an error of another kind.</summary>
    public static string? Advice(Exception exception) => Advice(exception, FilesAllowed);

    /// <summary>The same in a process that may have so many files open.</summary>
    internal static string? Advice(Exception exception, Func<long> filesAllowed)
    {
        for (Exception? e = exception; e is not null; e = e.InnerException)
        {
            if (e is OutOfMemoryException)
            {
                return filesAllowed() < FewestFiles ? RaiseFiles : $"the memory of this process is used up; .NET was given {GC.GetGCMemoryInfo().TotalAvailableMemoryBytes >> 20:N0} MiB. "
                    + "Raise what limits it - the container's memory, ulimit -v, DOTNET_GCHeapHardLimit - or train less at a time: a lower --batch, --sequence or --dim.";
            }

            // The loader takes a file that it cannot open for one that is not there.
            if (e.Message.Contains(TooManyFiles, StringComparison.Ordinal)
                || (e is FileNotFoundException { FileName: { } file } && IsThere(file)) || (e is FileLoadException { FileName: { } other } && IsThere(other)))
            {
                return RaiseFiles;
            }
        }

        return null;
    }

    /// <summary>How many files the process may have open; Linux tells, and not where none more can be opened to read it.</summary>
    private static long FilesAllowed()
    {
        const string Limit = "Max open files";
        try
        {
            string? line = OperatingSystem.IsLinux()
                ? File.ReadLines("/proc/self/limits").FirstOrDefault(line => line.StartsWith(Limit, StringComparison.Ordinal))
                : null;
            return long.TryParse(line?[Limit.Length..].TrimStart().Split(' ')[0], CultureInfo.InvariantCulture, out long files) ? files : long.MaxValue;
        }
        catch (IOException)
        {
            return 0;
        }
    }

    /// <summary>Whether an assembly that could not be loaded lies where it should, beside the program or in one of the frameworks that it runs on: then it is not missing.</summary>
    private static bool IsThere(string assembly)
    {
        string file = $"{assembly.Split(',')[0]}.dll";
        string known = AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES") as string ?? "";
        return known.Split(Path.PathSeparator).Append(Path.Combine(AppContext.BaseDirectory, file)).Any(path => Path.GetFileName(path) == file && File.Exists(path));
    }
}
