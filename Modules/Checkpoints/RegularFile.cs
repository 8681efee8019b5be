using System.Text;

namespace MoEActors.Modules.Checkpoints;

/// <summary>
/// Reads files whose names come from outside. A pipe, a device or a file larger than any configuration is refused before it is opened or read, since
/// reading it might never begin or never end.
/// </summary>
public static class RegularFile
{
    /// <summary>Largest text that is read whole: configurations and indexes of the largest open models are a tenth of it.</summary>
    public const long LargestText = 100_000_000;

    /// <summary>Bytes of a file, through links; 0 for one that is empty, and for pipes and devices, which have no length.</summary>
    /// <exception cref="FileNotFoundException">There is no such file, or no such folder: the message says which.</exception>
    /// <exception cref="IOException">It is a folder.</exception>
    public static long LengthOf(string path)
    {
        FileSystemInfo target;
        try
        {
            // A link has a length of its own, and one that leads nowhere exists. The full path first: only here would the system itself go "up" from a link or a missing folder.
            target = File.ResolveLinkTarget(Path.GetFullPath(path), returnFinalTarget: true) ?? new FileInfo(path);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw Missing(path);
        }

        return target is FileInfo { Exists: true } file ? file.Length
            : Directory.Exists(path) ? throw new IOException($"'{path}' is a folder.")
            : throw Missing(path);
    }

    /// <summary>Throws unless there is such a file, a pipe or a device.</summary>
    /// <inheritdoc cref="LengthOf" />
    public static void Require(string path) => LengthOf(path);

    /// <summary>Opens a file to read it.</summary>
    /// <exception cref="IOException">It is missing, empty, a folder, a pipe or a device.</exception>
    public static FileStream OpenRead(string path)
    {
        // Opening a pipe waits for a writer, perhaps for ever; only its length tells it from a file.
        return LengthOf(path) > 0 ? File.OpenRead(path) : throw new IOException($"'{path}' is empty, or a pipe or device.");
    }

    /// <summary>Reads a text.</summary>
    /// <exception cref="IOException">It is missing, empty, a folder, a pipe or a device, or larger than <see cref="LargestText"/>.</exception>
    public static string ReadText(string path)
    {
        using FileStream file = OpenRead(path);
        if (file.Length > LargestText)
        {
            throw new IOException($"'{path}' has {file.Length} bytes; more than {LargestText} are no text that belongs here.");
        }

        using var reader = new StreamReader(file, Encoding.UTF8);
        return reader.ReadToEnd();
    }

    private static FileNotFoundException Missing(string path)
    {
        string folder = Path.GetDirectoryName(Path.GetFullPath(path)) ?? path;
        return new FileNotFoundException(
            Directory.Exists(folder) ? $"There is no file '{path}'." : File.Exists(folder) ? $"'{folder}' is a file, not a folder." : $"There is no folder '{folder}'.");
    }
}
