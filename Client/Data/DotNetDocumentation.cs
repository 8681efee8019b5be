using System.Runtime.InteropServices;
using System.Xml;

namespace MoEActors.Client.Data;

/// <summary>
/// The .NET reference documentation that every SDK ships beside its reference assemblies: about 13 MB of English prose that
/// is on the machine already.
/// </summary>
public static class DotNetDocumentation
{
    private const string Pack = "Microsoft.NETCore.App.Ref";

    /// <summary>Reads the documentation of the newest reference pack on this machine, in the ordinal order of the files' names.</summary>
    /// <exception cref="TextSourceException">No SDK with reference documentation was found, or it cannot be read.</exception>
    public static IReadOnlyList<TextDocument> Read() => Read(InstallationFolders());

    /// <summary>Reads the documentation of the newest reference pack in the first of these .NET installations that has one.</summary>
    /// <param name="installations">Folders that hold <c>packs</c>.</param>
    /// <exception cref="TextSourceException">None has reference documentation, or it cannot be read.</exception>
    public static IReadOnlyList<TextDocument> Read(IReadOnlyList<string> installations)
    {
        string[] files = installations.Select(FindFiles).FirstOrDefault(found => found.Length > 0)
            ?? throw new TextSourceException(
                "The .NET reference documentation was not found", $"no packs/{Pack}/*/ref/*/*.xml in {string.Join(", ", installations)}",
                "Install the .NET SDK with its reference packs, set DOTNET_ROOT, or train on text of your own.");
        var documents = new TextDocument[files.Length];
        try
        {
            // The longest files first, so that no thread begins a long one last. The result is in the files' order anyway.
            int[] order = [.. Enumerable.Range(0, files.Length).OrderByDescending(i => new FileInfo(files[i]).Length)];
            Parallel.ForEach(
                System.Collections.Concurrent.Partitioner.Create(order, loadBalance: true), i => documents[i] = ReadFile(files[i]));
        }
        catch (AggregateException e) when (e.InnerException is TextSourceException broken)
        {
            throw new TextSourceException("The .NET reference documentation cannot be read", broken.Location, "Repair the SDK, or train on text of your own.", broken);
        }

        return documents;
    }

    /// <summary>Where .NET may be installed: what the environment names, what runs this process, the usual places.</summary>
    private static string[] InstallationFolders()
    {
        // shared/Microsoft.NETCore.App/10.0.x lies three levels below the installation.
        string runtime = Path.GetFullPath(Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "..", "..", ".."));
        string?[] candidates =
        [
            Environment.GetEnvironmentVariable("DOTNET_ROOT"),
            runtime,
            Path.GetDirectoryName(Environment.GetEnvironmentVariable("DOTNET_HOST_PATH")),
            .. (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator).Select(OfProgram),
            Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".dotnet"),
            .. OperatingSystem.IsWindows()
                ? [Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.ProgramFiles), "dotnet")]
                : new[] { "/usr/share/dotnet", "/usr/lib/dotnet", "/usr/local/share/dotnet" },
        ];
        return [.. candidates.Where(folder => !string.IsNullOrEmpty(folder)).Select(folder => Path.TrimEndingDirectorySeparator(folder!)).Distinct()];
    }

    /// <summary>The installation of a <c>dotnet</c> on the path, which is often a link.</summary>
    private static string? OfProgram(string folder)
    {
        FileInfo program = new(Path.Combine(folder, OperatingSystem.IsWindows() ? "dotnet.exe" : "dotnet"));
        return folder.Length > 0 && program.Exists
            ? Path.GetDirectoryName(program.ResolveLinkTarget(returnFinalTarget: true)?.FullName ?? program.FullName)
            : null;
    }

    private static string[] FindFiles(string installation)
    {
        string pack = Path.Combine(installation, "packs", Pack);
        if (!Directory.Exists(pack))
        {
            return [];
        }

        return Directory.EnumerateDirectories(pack)
            .OrderByDescending(folder => PackVersion.Parse(Path.GetFileName(folder)))
            .Select(version => Path.Combine(version, "ref"))
            .Where(Directory.Exists)
            .SelectMany(references => Directory.EnumerateDirectories(references).OrderDescending(StringComparer.Ordinal))
            .Select(framework => Directory.GetFiles(framework, "*.xml"))
            .FirstOrDefault(files => files.Length > 0)?
            .OrderBy(file => Path.GetFileName(file), StringComparer.Ordinal).ToArray() ?? [];
    }

    private static TextDocument ReadFile(string path)
    {
        try
        {
            using FileStream file = File.OpenRead(path);
            return new TextDocument(Path.GetFileName(path), DocumentationText.Extract(file));
        }
        catch (Exception e) when (e is XmlException or IOException or UnauthorizedAccessException)
        {
            throw new TextSourceException("A documentation file cannot be read", path, e.Message, e);
        }
    }
}

/// <summary>A pack's version, for order: a preview comes before the release of the same number.</summary>
/// <param name="Number">The version's number.</param>
/// <param name="IsRelease">False for a preview.</param>
internal readonly record struct PackVersion(Version Number, bool IsRelease) : IComparable<PackVersion>
{
    /// <summary>Reads a folder's name; one that is no version comes before all others.</summary>
    public static PackVersion Parse(string name)
    {
        int label = name.IndexOf('-');
        return Version.TryParse(label < 0 ? name : name[..label], out Version? number)
            ? new PackVersion(number, label < 0)
            : new PackVersion(new Version(0, 0), false);
    }

    public int CompareTo(PackVersion other) => (Number, IsRelease).CompareTo((other.Number, other.IsRelease));
}
