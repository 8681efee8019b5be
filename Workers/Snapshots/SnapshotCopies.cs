using MoEActors.Workers.Commands;

namespace MoEActors.Workers.Snapshots;

/// <summary>
/// The copies of a model's snapshots that one worker has in its host's memory, its own and those of others: of the snapshot that is being taken and of the last one that is
/// complete, so that of two complete ones the older makes room for the next. They take what is left of the worker's memory, and are forgotten when something else
/// needs it. From any thread.
/// </summary>
/// <param name="model">The model.</param>
/// <param name="free">Bytes that there may still be of them.</param>
internal sealed class SnapshotCopies(ModelConfiguration model, Func<long> free)
{
    /// <summary>The last complete one, and the one that is being taken.</summary>
    private const int Snapshots = 2;

    private readonly Lock _lock = new();
    private readonly Dictionary<string, Dictionary<BlockId, BlockCopy>> _snapshots = [];
    private readonly CopyLayout _dense = new(ModelLayout.Dense(model));
    private readonly CopyLayout _expert = new(ModelLayout.Expert(model));
    private long _bytes;

    /// <summary>Bytes of the copies that a worker has when all of them fit: of one silo alone, those that are being written.</summary>
    public static long Estimate(ModelConfiguration model, PlacementMap map, int rank)
    {
        var copies = new SnapshotCopies(model, static () => 0);
        int snapshots = SnapshotRing.Of(map.Workers).Length > 0 ? Snapshots : 1;
        return snapshots * SnapshotExchange.PartOf(map, rank).Concat(SnapshotExchange.HeldFor(map, rank)).Sum(block => copies.LayoutOf(block).Bytes);
    }

    /// <summary>Bytes of all copies.</summary>
    public long Bytes => Interlocked.Read(ref _bytes);

    /// <summary>What there is, of each snapshot.</summary>
    public HeldCopies[] Held
    {
        get
        {
            lock (_lock)
            {
                return
                [
                    .. from snapshot in _snapshots
                       let whole = snapshot.Value.Where(copy => copy.Value.IsWhole).Select(copy => copy.Key.Expert).ToArray()
                       where whole.Length > 0
                       select new HeldCopies(snapshot.Key, whole.Contains(null), [.. whole.OfType<ExpertId>().Order()]),
                ];
            }
        }
    }

    /// <summary>Makes room for copies of a snapshot, in the memory of those that are no longer kept; false, and only those that are kept stay, when there is not enough.</summary>
    /// <param name="tag">The snapshot.</param>
    /// <param name="kept">Another one that stays; null for none.</param>
    /// <param name="blocks">What is to be copied.</param>
    public bool Reserve(string tag, string? kept, IReadOnlyList<BlockId> blocks)
    {
        lock (_lock)
        {
            var spare = new Dictionary<CopyLayout, Stack<BlockCopy>> { [_dense] = [], [_expert] = [] };
            foreach (string gone in _snapshots.Keys.Where(other => other != kept).ToArray())
            {
                foreach (BlockCopy copy in _snapshots[gone].Values)
                {
                    copy.IsWhole = false;
                    spare[copy.Layout].Push(copy);
                }

                Remove(gone);
            }

            if (blocks.Sum(block => LayoutOf(block).Bytes) > free())
            {
                return false;
            }

            foreach (BlockId block in blocks)
            {
                CopyLayout layout = LayoutOf(block);
                Add(tag, block, spare[layout].TryPop(out BlockCopy? copy) ? copy : new BlockCopy(layout));
            }

            return true;
        }
    }

    /// <summary>The copy of a block, or room for it, whether there is the memory or not: what follows needs it.</summary>
    public BlockCopy Claim(string tag, BlockId block)
    {
        lock (_lock)
        {
            return Find(tag, block) ?? Add(tag, block, new BlockCopy(LayoutOf(block)));
        }
    }

    /// <summary>The whole copy of a block.</summary>
    /// <exception cref="InvalidOperationException">It is not here: the memory was needed for something else.</exception>
    public BlockCopy Get(string tag, BlockId block)
    {
        lock (_lock)
        {
            return Find(tag, block) is { IsWhole: true } copy
                ? copy
                : throw new InvalidOperationException(
                    $"There is no copy of {(block.Expert is { } expert ? $"expert {expert}" : "the dense part")} here of snapshot '{tag}': its memory was needed.");
        }
    }

    /// <summary>Forgets all copies when they have more memory than there is.</summary>
    public void Yield()
    {
        if (Bytes > 0 && free() < 0)
        {
            Forget();
        }
    }

    /// <summary>Forgets all copies. One that is being sent or written is whole for whoever does that.</summary>
    public void Forget()
    {
        lock (_lock)
        {
            Array.ForEach(_snapshots.Keys.ToArray(), Remove);
        }
    }

    private BlockCopy? Find(string tag, BlockId block) => _snapshots.GetValueOrDefault(tag)?.GetValueOrDefault(block);

    private CopyLayout LayoutOf(BlockId block) => block.Expert is null ? _dense : _expert;

    private BlockCopy Add(string tag, BlockId block, BlockCopy copy)
    {
        if (!_snapshots.TryGetValue(tag, out Dictionary<BlockId, BlockCopy>? snapshot))
        {
            snapshot = [];
            _snapshots.Add(tag, snapshot);
        }

        snapshot.Add(block, copy);
        Interlocked.Add(ref _bytes, copy.Layout.Bytes);
        return copy;
    }

    private void Remove(string tag)
    {
        if (_snapshots.Remove(tag, out Dictionary<BlockId, BlockCopy>? snapshot))
        {
            Interlocked.Add(ref _bytes, -snapshot.Values.Sum(copy => copy.Layout.Bytes));
        }
    }
}
