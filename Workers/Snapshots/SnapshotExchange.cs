using MoEActors.Workers.Checkpoints;
using MoEActors.Workers.Commands;

namespace MoEActors.Workers.Snapshots;

/// <summary>
/// How copies of a snapshot get from worker to worker: to the neighbours' memory when it is taken, and to those that need them when all start from it. Every worker of the
/// view does the same at the same time, over a communicator of its own for every attempt, which lives until the next one: who opens it late must find it, dead or alive.
/// </summary>
/// <param name="copies">This worker's copies.</param>
internal sealed class SnapshotExchange(SnapshotCopies copies) : IDisposable
{
    private readonly Lock _busy = new();
    private volatile ICommunicator? _communicator;

    /// <summary>Why the view has ended; null while it goes on.</summary>
    private volatile Exception? _ended;

    /// <summary>A view opens: what was before is over.</summary>
    public void Open()
    {
        Dispose();
        _ended = null;
    }

    /// <summary>A snapshot begins, and every worker is done with the one before.</summary>
    public void Renew()
    {
        lock (_busy)
        {
            _communicator?.Dispose();
            _communicator = null;
        }
    }

    /// <summary>The view has ended: what is on its way fails, here and everywhere. From any thread.</summary>
    public void End(Exception cause)
    {
        _ended = cause;
        _communicator?.Abort(cause);
    }

    /// <summary>Sends the copies of what this worker writes to its neighbour, and receives those that it is the neighbour for.</summary>
    /// <exception cref="CommunicatorException">A worker has no room, or is gone. What is whole is here all the same.</exception>
    public void Share(Func<ICommunicator> open, string tag, PlacementMap map, int rank) => Run(open, communicator =>
    {
        int[] neighbours = SnapshotRing.Of(map.Workers);
        BlockId[][] parts = [.. Enumerable.Range(0, neighbours.Length).Select(sender => PartOf(map, sender))];

        // A worker that is the neighbour of several receives from one after the other.
        ILookup<int, int> turns = Enumerable.Range(0, neighbours.Length).ToLookup(sender => Enumerable.Range(0, sender).Count(other => neighbours[other] == neighbours[sender]));
        foreach (IGrouping<int, int> turn in turns.OrderBy(turn => turn.Key))
        {
            int from = turn.Where(sender => neighbours[sender] == rank).DefaultIfEmpty(-1).Single();
            for (int i = 0; i < turn.Max(sender => parts[sender].Length); i++)
            {
                BlockId? mine = turn.Contains(rank) && i < parts[rank].Length ? parts[rank][i] : null;
                BlockId? theirs = from >= 0 && i < parts[from].Length ? parts[from][i] : null;
                Transfer(communicator, tag, mine, [neighbours[rank]], theirs, from);
            }
        }
    });

    /// <summary>Tells the others that this worker has no room, so that nobody waits for it.</summary>
    public void Refuse(Func<ICommunicator> open, Exception cause)
    {
        try
        {
            Run(open, _ => throw cause);
        }
        catch (Exception e) when (e == cause || e is CommunicatorException)
        {
        }
    }

    /// <summary>Sees to it that what a placement has on this worker is in its memory, as of a snapshot.</summary>
    /// <exception cref="CommunicatorException">A worker is gone.</exception>
    public void Gather(Func<ICommunicator> open, CopySources sources, PlacementMap map, int rank) => Run(open, communicator =>
    {
        Send(new BlockId(Expert: null), sources.Dense, [.. Enumerable.Range(0, map.Workers.Length)]);
        for (int layer = 0; layer < map.Layers; layer++)
        {
            for (int expert = 0; expert < sources.Experts[layer].Length; expert++)
            {
                Send(new BlockId(new ExpertId(layer, expert)), sources.Experts[layer][expert], [.. map.PlacementOf(layer).RanksOf(expert)]);
            }
        }

        void Send(BlockId block, int giver, int[] takers)
        {
            int[] others = [.. takers.Where(taker => taker != giver)];
            if (others.Length > 0)
            {
                Transfer(communicator, sources.Tag, rank == giver ? block : null, others, others.Contains(rank) ? block : null, giver);
            }
        }
    });

    /// <summary>What a worker writes of a snapshot under a placement.</summary>
    public static BlockId[] PartOf(PlacementMap map, int rank) => [.. ShardWriter.PartOf(map, rank).Select(expert => new BlockId(expert))];

    /// <summary>What a worker has copies of for others under a placement.</summary>
    public static BlockId[] HeldFor(PlacementMap map, int rank)
    {
        int[] neighbours = SnapshotRing.Of(map.Workers);
        return [.. Enumerable.Range(0, neighbours.Length).Where(other => neighbours[other] == rank).SelectMany(other => PartOf(map, other))];
    }

    public void Dispose()
    {
        End(new OperationCanceledException("The view that it belonged to has ended."));
        Renew();
    }

    private void Run(Func<ICommunicator> open, Action<ICommunicator> work)
    {
        lock (_busy)
        {
            try
            {
                _communicator = open();
                if (_ended is { } cause)
                {
                    throw cause;
                }

                work(_communicator);
            }
            catch (Exception e)
            {
                // The others wait for this one: they fail with its cause instead of at their deadline.
                _communicator?.Abort(e);
                throw;
            }
        }
    }

    private void Transfer(ICommunicator communicator, string tag, BlockId? sent, int[] to, BlockId? received, int from)
    {
        BlockCopy? source = sent is { } mine ? copies.Get(tag, mine) : null;
        BlockCopy? target = received is { } theirs ? copies.Claim(tag, theirs) : null;
        DeviceSpan<float> away = source?.Span ?? default, here = target?.Span ?? default;
        communicator.AllToAll(
            away, source is null ? [] : [.. to.Select(peer => new Segment(peer, 0, away.Length))], here, target is null ? [] : [new Segment(from, 0, here.Length)]);
        GC.KeepAlive(source);
        if (target is not null)
        {
            target.IsWhole = true;
        }
    }
}
