using System.Diagnostics;
using MoEActors.Workers.Commands;
using MoEActors.Workers.Shards;

namespace MoEActors.Workers.PlacementChange;

/// <summary>
/// One change of placement on one worker, from the first byte copied to the moment when it is adopted or dropped. Parameters and moments are
/// constant between two updates, so they are copied while a step computes; at the step's end the target also gets the step's gradient and
/// then applies the same update as the source.
/// </summary>
internal sealed class PendingChange(Commands.PlacementChange change, bool besideStep) : IDisposable
{
    private readonly ManualResetEventSlim _gradients = new(initialState: !besideStep);
    private readonly ManualResetEventSlim _done = new();
    private readonly List<(ShardMove Move, ParameterBlock? Source, ParameterBlock? Target)> _copies = [];
    private volatile ICommunicator? _communicator;
    private volatile Exception? _failure;
    private double _seconds;

    /// <summary>The view that the change makes.</summary>
    public long View => change.View;

    /// <summary>Whether everything that belongs here has arrived.</summary>
    public bool IsWhole => _done.IsSet && _failure is null;

    /// <summary>The placement of that view.</summary>
    public PlacementMap Map { get; } = change.Map;

    /// <summary>The copies that have arrived here.</summary>
    public IEnumerable<(ExpertId Expert, ParameterBlock Block)> Arrived =>
        from copy in _copies
        where copy.Target is not null
        select (copy.Move.ExpertId, copy.Target);

    /// <summary>Copies, on the thread of shard copies. What fails here fails on every worker, and disturbs no step.</summary>
    public void CopyShards(ShardTable shards, int rank, Func<ICommunicator> open)
    {
        long started = Stopwatch.GetTimestamp();
        try
        {
            _communicator = open();
            CopyShards(shards, rank, _communicator, started);
        }
        catch (Exception e)
        {
            // The others wait for this one: they fail with its cause instead of at their deadline.
            _communicator?.Abort(e);
            _failure ??= e;
        }
        finally
        {
            _done.Set();
        }
    }

    /// <summary>The step's gradients are complete: they may follow.</summary>
    public void GradientsAreReady() => _gradients.Set();

    /// <summary>Ends what is being copied. From any thread.</summary>
    public void Cancel(Exception cause)
    {
        _failure ??= cause;
        _communicator?.Abort(cause);
        _gradients.Set();
    }

    /// <summary>Waits until the copies have ended, well or not.</summary>
    public ShardArrivals Conclude(WorkerId worker)
    {
        long started = Stopwatch.GetTimestamp();
        _done.Wait();
        return new ShardArrivals(
            View, _failure is null ? [.. Arrived.Select(arrived => arrived.Expert)] : [],
            Failure: _failure is null ? null : $"Worker {worker}: {_failure.Message}", IsConsequence: _failure is CommunicatorException,
            CopySeconds: _seconds, WaitSeconds: Stopwatch.GetElapsedTime(started).TotalSeconds);
    }

    /// <summary>Not sooner than the change has been concluded everywhere: who opens the communicator late must find it, dead or alive.</summary>
    public void Dispose()
    {
        _communicator?.Dispose();
        _gradients.Dispose();
        _done.Dispose();
    }

    private void CopyShards(ShardTable shards, int rank, ICommunicator communicator, long started)
    {
        ThrowIfCancelled();
        foreach (ShardMove move in change.Moves)
        {
            ParameterBlock? source = move.From == rank ? shards[move.ExpertId] : null;
            ParameterBlock? target = move.To == rank ? shards.Receive(move.ExpertId) : null;
            _copies.Add((move, source, target));
            Copy(communicator, move, source?.Values, target?.Values);
            Copy(communicator, move, source?.FirstMoments, target?.FirstMoments);
            Copy(communicator, move, source?.SecondMoments, target?.SecondMoments);
        }

        _seconds = Stopwatch.GetElapsedTime(started).TotalSeconds;
        _gradients.Wait();
        ThrowIfCancelled();
        foreach ((ShardMove move, ParameterBlock? source, ParameterBlock? target) in _copies)
        {
            if (besideStep)
            {
                Copy(communicator, move, source?.Gradients, target?.Gradients);
            }
            else
            {
                target?.ClearGradients();
            }
        }
    }

    private void ThrowIfCancelled()
    {
        if (_failure is { } cause)
        {
            throw cause;
        }
    }

    private static void Copy(ICommunicator communicator, ShardMove move, DeviceSpan<float>? source, DeviceSpan<float>? target)
    {
        ReadOnlySpan<Segment> away = source is { } sent ? [new Segment(move.To, 0, sent.Length)] : [];
        ReadOnlySpan<Segment> here = target is { } received ? [new Segment(move.From, 0, received.Length)] : [];
        communicator.AllToAll(source ?? default, away, target ?? default, here);
    }
}
