using System.Security.Cryptography;
using MoEActors.Modules.Checkpoints;

namespace MoEActors.Client.Data;

/// <summary>The user's own text: files and folders of UTF-8, their bytes as they are.</summary>
/// <param name="Documents">What can be trained on, in the ordinal order of names; no text twice.</param>
/// <param name="Skipped">Files inside folders that are empty, no files, or not UTF-8 text, and links that lead nowhere or in a circle.</param>
/// <param name="Repeated">
/// Files and folders that were left out as they had been read already: by another name, through a link, or as a copy. A text that is there twice is half of
/// the time in the training part and in that for validation, which then measures nothing.
/// </param>
public sealed record TextFolder(IReadOnlyList<TextDocument> Documents, IReadOnlyList<string> Skipped, IReadOnlyList<string> Repeated)
{
    /// <summary>
    /// Reads files, and folders with everything below them, hidden files and folders apart. A file that is named must be text;
    /// in a folder, what is not is skipped and listed.
    /// </summary>
    /// <exception cref="TextSourceException">A path is missing or unreadable, a named file is empty or not text, the text does not fit into memory, or none is left.</exception>
    public static TextFolder Read(IReadOnlyList<string> paths)
    {
        if (paths.FirstOrDefault(path => !File.Exists(path) && !Directory.Exists(path)) is { } missing)
        {
            throw new TextSourceException("There is no such file or folder", missing, Path.IsPathRooted(missing) ? "Check the path." : $"It was looked for in {Environment.CurrentDirectory}.");
        }

        TextTree tree = TextTree.Of(paths.Where(Directory.Exists));
        var reading = new Reading(tree.Skipped, tree.Repeated);
        foreach (string path in paths.Where(File.Exists))
        {
            // A pipe that is named in place has no real path; it is refused by its length.
            if (reading.Take(new TextFile(path, RealPath.Of(path)?.Path ?? path)) is { } violation)
            {
                throw new TextSourceException($"The file {violation}", path, "Name a file of UTF-8 text.");
            }
        }

        // Of a file and a link to it, the file's own name stays.
        foreach (TextFile file in tree.Files.OrderBy(file => file.IsLink).ThenBy(file => file.Name, StringComparer.Ordinal))
        {
            if (reading.Take(file) is not null)
            {
                reading.Skipped.Add(file.Name);
            }
        }

        return reading.Documents.Count > 0
            ? new TextFolder([.. reading.Documents.OrderBy(document => document.Name, StringComparer.Ordinal)], reading.Skipped, reading.Repeated)
            : throw new TextSourceException(
                "No file of UTF-8 text was found", paths.Count == 0 ? "no path given" : string.Join(", ", paths), "Name files or folders of UTF-8 text.");
    }

    /// <summary>What has been read so far.</summary>
    private sealed class Reading(IEnumerable<string> skipped, IEnumerable<string> repeated)
    {
        private readonly HashSet<string> _files = new(StringComparer.Ordinal);
        private readonly HashSet<string> _contents = new(StringComparer.Ordinal);

        private static ReadOnlySpan<byte> Mark => [0xEF, 0xBB, 0xBF];

        /// <summary>The other half of the memory is for the model.</summary>
        private long _room = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 2;

        public List<TextDocument> Documents { get; } = [];

        public List<string> Skipped { get; } = [.. skipped];

        public List<string> Repeated { get; } = [.. repeated];

        /// <summary>Reads a file unless it has been read; why it is no text, or null.</summary>
        public string? Take(TextFile file)
        {
            string? violation = null;
            if (!_files.Add(file.RealPath))
            {
                Repeated.Add(file.Name);
            }
            else if (file.Read(_room, out violation) is { } bytes)
            {
                // Hard links and copies, among them those that an editor has given a byte order mark.
                if (_contents.Add(Convert.ToHexString(SHA256.HashData(bytes.AsSpan(bytes.AsSpan().StartsWith(Mark) ? Mark.Length : 0)))))
                {
                    _room -= bytes.Length;
                    Documents.Add(new TextDocument(file.Name, bytes));
                }
                else
                {
                    Repeated.Add(file.Name);
                }
            }

            return violation;
        }
    }
}
