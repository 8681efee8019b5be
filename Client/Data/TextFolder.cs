using System.Text.Unicode;

namespace MoEActors.Client.Data;

/// <summary>The user's own text: files and folders of UTF-8, their bytes as they are.</summary>
/// <param name="Documents">What can be trained on, in the ordinal order of names.</param>
/// <param name="Skipped">Files inside folders that are empty or not UTF-8 text.</param>
public sealed record TextFolder(IReadOnlyList<TextDocument> Documents, IReadOnlyList<string> Skipped)
{
    /// <summary>
    /// Reads files, and folders with everything below them, hidden files and folders apart. A file that is named must be text;
    /// in a folder, what is not is skipped and listed.
    /// </summary>
    /// <exception cref="TextSourceException">A path is missing or unreadable, a named file is empty or not text, or no text is left.</exception>
    public static TextFolder Read(IReadOnlyList<string> paths)
    {
        SortedDictionary<string, TextDocument> documents = new(StringComparer.Ordinal);
        List<string> skipped = [];
        foreach (string path in paths)
        {
            if (File.Exists(path))
            {
                documents[path] = ReadFile(path, out string? violation) is { } document
                    ? document
                    : throw new TextSourceException($"The file {violation}", path, "Name a file of UTF-8 text with --text.");
            }
            else if (Directory.Exists(path))
            {
                foreach (string file in FilesBelow(path))
                {
                    if (ReadFile(file, out _) is { } document)
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
            return [.. Directory.EnumerateFiles(folder, "*", everything)];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new TextSourceException("The folder cannot be read", folder, e.Message, e);
        }
    }

    private static TextDocument? ReadFile(string path, out string? violation)
    {
        byte[] bytes;
        try
        {
            bytes = File.ReadAllBytes(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new TextSourceException("The file cannot be read", path, e.Message, e);
        }

        // A zero byte is valid UTF-8 and in no text.
        violation = bytes.Length == 0 ? "is empty"
            : bytes.AsSpan().Contains((byte)0) || !Utf8.IsValid(bytes) ? "is not UTF-8 text"
            : null;
        return violation is null ? new TextDocument(path, bytes) : null;
    }
}
