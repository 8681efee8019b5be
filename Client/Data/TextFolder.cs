using System.Globalization;
using System.IO.Enumeration;
using System.Text.Unicode;
using MoEActors.Modules.Checkpoints;

namespace MoEActors.Client.Data;

/// <summary>The user's own text: files and folders of UTF-8, their bytes as they are.</summary>
/// <param name="Documents">What can be trained on, in the ordinal order of names.</param>
/// <param name="Skipped">Files inside folders that are empty, no files, or not UTF-8 text.</param>
public sealed record TextFolder(IReadOnlyList<TextDocument> Documents, IReadOnlyList<string> Skipped)
{
    private const string NotText = "is not UTF-8 text";

    /// <summary>
    /// Reads files, and folders with everything below them, hidden files and folders apart. A file that is named must be text;
    /// in a folder, what is not is skipped and listed.
    /// </summary>
    /// <exception cref="TextSourceException">A path is missing or unreadable, a named file is empty or not text, the text does not fit into memory, or none is left.</exception>
    public static TextFolder Read(IReadOnlyList<string> paths)
    {
        SortedDictionary<string, TextDocument> documents = new(StringComparer.Ordinal);
        List<string> skipped = [];

        // The other half is for the model.
        long room = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 2;
        foreach (string path in paths)
        {
            if (File.Exists(path))
            {
                documents[path] = ReadFile(path, ref room, out string? violation) is { } document
                    ? document
                    : throw new TextSourceException($"The file {violation}", path, "Name a file of UTF-8 text with --text.");
            }
            else if (Directory.Exists(path))
            {
                foreach (string file in FilesBelow(path))
                {
                    if (ReadFile(file, ref room, out _) is { } document)
                    {
                        documents[file] = document;
                    }
                    else
                    {
                        skipped.Add(file);
                    }
                }
            }
            else
            {
                throw new TextSourceException("There is no such file or folder", path, "Check the path given with --text.");
            }
        }

        return documents.Count > 0
            ? new TextFolder([.. documents.Values], skipped)
            : throw new TextSourceException(
                "No file of UTF-8 text was found", paths.Count == 0 ? "no path given" : string.Join(", ", paths), "Name files or folders of text with --text.");
    }

    private static string[] FilesBelow(string folder)
    {
        try
        {
            EnumerationOptions everything = new()
            {
                RecurseSubdirectories = true,
                IgnoreInaccessible = false,
                AttributesToSkip = FileAttributes.Hidden | FileAttributes.System,
            };
            return
            [
                .. new FileSystemEnumerable<string>(folder, static (ref entry) => entry.ToSpecifiedFullPath(), everything)
                {
                    ShouldIncludePredicate = static (ref entry) => !entry.IsDirectory,
                    ShouldRecursePredicate = static (ref entry) => !LeadsBack(ref entry),
                },
            ];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new TextSourceException("The folder cannot be read", folder, e.Message, e);
        }
    }

    /// <summary>Whether a folder is a link to one that it lies in: its files would be read over and over.</summary>
    private static bool LeadsBack(ref FileSystemEntry entry)
    {
        if ((entry.Attributes & FileAttributes.ReparsePoint) == 0)
        {
            return false;
        }

        string path = entry.ToFullPath();
        return Directory.ResolveLinkTarget(path, returnFinalTarget: true) is { } target
            && path.StartsWith(Path.TrimEndingDirectorySeparator(target.FullName) + Path.DirectorySeparatorChar, StringComparison.Ordinal);
    }

    /// <summary>Reads a file; null, and in words why, when it is no text. Looks at its size and its beginning before it takes memory for the rest.</summary>
    private static TextDocument? ReadFile(string path, ref long room, out string? violation)
    {
        byte[] bytes;
        try
        {
            long length = RegularFile.LengthOf(path);
            violation = length == 0 ? "is empty, or a pipe or device" : BeginsAsText(path) ? null : NotText;
            if (violation is not null)
            {
                return null;
            }

            if (length > Math.Min(room, Array.MaxLength))
            {
                throw new TextSourceException(
                    "The text does not fit into memory",
                    path,
                    string.Create(CultureInfo.InvariantCulture, $"It has {length:N0} bytes, and there is room for {Math.Min(room, Array.MaxLength):N0}: name less text, or a part of it."));
            }

            bytes = File.ReadAllBytes(path);
        }
        catch (FileNotFoundException)
        {
            violation = "is a link that leads nowhere";
            return null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new TextSourceException("The file cannot be read", path, e.Message, e);
        }

        if (!IsText(bytes))
        {
            violation = NotText;
            return null;
        }

        room -= bytes.Length;
        return new TextDocument(path, bytes);
    }

    private static bool BeginsAsText(string path)
    {
        Span<byte> beginning = stackalloc byte[4096];
        using FileStream file = File.OpenRead(path);
        return !beginning[..file.Read(beginning)].Contains((byte)0);
    }

    /// <summary>A zero byte is valid UTF-8 and in no text.</summary>
    private static bool IsText(byte[] bytes) => !bytes.AsSpan().Contains((byte)0) && Utf8.IsValid(bytes);
}
