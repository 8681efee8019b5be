using MoEActors.Modules.Checkpoints;

namespace MoEActors.Tests.Support;

/// <summary>
/// A disk that stops working: after so many bytes or operations, as when the process is killed or the disk is full, nothing more is written, renamed
/// or deleted, and what was being written stays half done.
/// </summary>
internal sealed class DyingFileStore : IFileStore
{
    private readonly DiskFileStore _disk = new();
    private readonly List<long> _ends = [];
    private long _left = long.MaxValue;

    /// <summary>What all writes so far came to: a byte each, and one for every operation.</summary>
    public long Spent { get; private set; }

    /// <summary>What had been spent after each operation.</summary>
    public IReadOnlyList<long> Ends => _ends;

    /// <summary>Works for so long, then dies; counts from zero again.</summary>
    public void LiveFor(long budget)
    {
        lock (_disk)
        {
            _left = budget;
            Spent = 0;
            _ends.Clear();
        }
    }

    public void Write(string path, Action<Stream> content)
    {
        lock (_disk)
        {
            using var buffer = new MemoryStream();
            content(buffer);
            byte[] bytes = buffer.ToArray();
            if (_left < bytes.Length + 1)
            {
                File.WriteAllBytes($"{path}.0123abcd{DiskFileStore.Unfinished}", bytes[..(int)Math.Clamp(_left, 0, bytes.Length)]);
                _left = 0;
                throw new IOException("No space left on device.");
            }

            Spend(bytes.Length + 1);
            _disk.Write(path, stream => stream.Write(bytes));
        }
    }

    public void Delete(string path)
    {
        lock (_disk)
        {
            if (_left < 1)
            {
                throw new IOException("The disk is gone.");
            }

            Spend(1);
            _disk.Delete(path);
        }
    }

    private void Spend(long amount)
    {
        _left -= amount;
        Spent += amount;
        _ends.Add(Spent);
    }
}
