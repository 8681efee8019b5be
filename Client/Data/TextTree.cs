using System.IO.Enumeration;
using System.Text;
using MoEActors.Modules.Checkpoints;

namespace MoEActors.Client.Data;

/// <summary>
/// Finds the files below folders, hidden ones apart, and enters every folder once, by whatever names and links it can be reached: real folders first, then
/// those behind links.
/// </summary>
internal sealed class TextTree
{
    private static readonly EnumerationOptions Everything = new()
    {
        IgnoreInaccessible = false,
        AttributesToSkip = FileAttributes.Hidden | FileAttributes.System,
    };

    private readonly HashSet<string> _entered = new(StringComparer.Ordinal);
    private readonly Queue<(string Name, string Real)> _links = new();
    private readonly List<TextFile> _files = [];
    private readonly List<string> _skipped = [];
    private readonly List<string> _repeated = [];

    private TextTree()
    {
    }

    /// <summary>The files, under the names that they were first come by.</summary>
    public IReadOnlyList<TextFile> Files => _files;

    /// <summary>Links that lead in a circle, and what has no name to open it by.</summary>
    public IReadOnlyList<string> Skipped => _skipped;

    /// <summary>Folders that were come by a second time.</summary>
    public IReadOnlyList<string> Repeated => _repeated;

    /// <summary>Looks into folders.</summary>
    /// <exception cref="TextSourceException">One cannot be read.</exception>
    public static TextTree Of(IEnumerable<string> folders)
    {
        var tree = new TextTree();
        foreach (string folder in folders)
        {
            tree.Enter(folder, RealPath.Of(folder)?.Path ?? throw new TextSourceException("The folder cannot be read", folder, "Its links lead in a circle."));
        }

        while (tree._links.TryDequeue(out (string Name, string Real) link))
        {
            tree.Enter(link.Name, link.Real);
        }

        return tree;
    }

    private void Enter(string name, string real)
    {
        if (!_entered.Add(real))
        {
            _repeated.Add(name);
            return;
        }

        bool isLossy = false;
        foreach ((string entry, bool isFolder, bool isLink) in EntriesOf(name, real))
        {
            string path = Path.Combine(name, entry);
            if (RawFolder.IsLossy(entry))
            {
                isLossy = true;
            }
            else if (!isLink)
            {
                Add(path, Path.Combine(real, entry), isFolder);
            }
            else if (RealPath.Of(Path.Combine(real, entry)) is not { } target)
            {
                _skipped.Add(path);
            }
            else if (Directory.Exists(target.Path))
            {
                _links.Enqueue((path, target.Path));
            }
            else
            {
                _files.Add(new TextFile(path, target.Path, IsLink: true));
            }
        }

        if (isLossy)
        {
            // The replacement character may also be a name's own.
            EnterRaw(name, Encoding.UTF8.GetBytes(real), static entry => RawFolder.IsLossy(Encoding.UTF8.GetString(entry)));
        }
    }

    private void Add(string path, string real, bool isFolder)
    {
        if (isFolder)
        {
            Enter(path, real);
        }
        else
        {
            _files.Add(new TextFile(path, real));
        }
    }

    /// <summary>Names that are no UTF-8: files and folders by their bytes; links of such names are left out.</summary>
    private void EnterRaw(string name, byte[] real, Func<byte[], bool> isWanted)
    {
        foreach (RawEntry entry in Try(name, () => RawFolder.EntriesOf(real)).Where(entry => isWanted(entry.Name)).OrderBy(entry => RawFolder.Shown(entry.Name), StringComparer.Ordinal))
        {
            string path = Path.Combine(name, RawFolder.Shown(entry.Name));
            if (entry.IsFolder)
            {
                EnterRaw(path, entry.Path, static _ => true);
            }
            else if (entry.IsFile)
            {
                _files.Add(new TextFile(path, Convert.ToHexString(entry.Path), Raw: entry.Path));
            }
            else
            {
                _skipped.Add(path);
            }
        }
    }

    private static (string Name, bool IsFolder, bool IsLink)[] EntriesOf(string name, string real) => Try(name, () =>
        new FileSystemEnumerable<(string Name, bool IsFolder, bool IsLink)>(
            real,
            static (ref entry) => (entry.FileName.ToString(), entry.IsDirectory, (entry.Attributes & FileAttributes.ReparsePoint) != 0),
            Everything)
        .OrderBy(entry => entry.Name, StringComparer.Ordinal)
        .ToArray());

    private static T Try<T>(string folder, Func<T> read)
    {
        try
        {
            return read();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new TextSourceException("The folder cannot be read", folder, e.Message, e);
        }
    }
}
