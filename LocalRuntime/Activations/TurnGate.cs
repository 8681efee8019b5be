namespace Orleans.Runtime;

/// <summary>
/// Decides which of an activation's turns may start: any when nothing runs; always-interleave ones; any when nothing that runs blocks;
/// a read-only one beside a read-only one; one whose call chain was allowed to come back. Not synchronised.
/// </summary>
internal sealed class TurnGate(bool interleavesAll)
{
    private readonly List<Turn> _running = [];
    private readonly List<Turn> _waiting = [];
    private Dictionary<Guid, int>? _reentrant;
    private Turn? _blocking;

    public bool IsIdle => _running.Count == 0;

    public bool IsUnused => IsIdle && _waiting.Count == 0;

    public void Wait(Turn turn) => _waiting.Add(turn);

    public bool MayStart(Turn turn) =>
        interleavesAll || IsIdle || turn.IsAlwaysInterleave || _blocking is null || (_blocking.IsReadOnly && turn.IsReadOnly)
        || (_reentrant is not null && turn.ReentrancyId is var id && id != Guid.Empty && _reentrant.ContainsKey(id));

    public void Started(Turn turn)
    {
        _running.Add(turn);
        if (!turn.IsAlwaysInterleave)
        {
            _blocking ??= turn;
        }
    }

    public void Finished(Turn turn)
    {
        _running.Remove(turn);
        if (ReferenceEquals(_blocking, turn))
        {
            _blocking = null;
        }
    }

    /// <summary>Takes the first waiting turn that may start.</summary>
    public Turn? TakeNext()
    {
        for (int i = 0; i < _waiting.Count; i++)
        {
            Turn turn = _waiting[i];
            if (MayStart(turn))
            {
                _waiting.RemoveAt(i);
                return turn;
            }
        }

        return null;
    }

    public Turn[] TakeWaiting()
    {
        Turn[] waiting = [.. _waiting];
        _waiting.Clear();
        return waiting;
    }

    public Turn[] TakeRunning()
    {
        Turn[] running = [.. _running];
        _running.Clear();
        return running;
    }

    public void Enter(Guid chain)
    {
        _reentrant ??= [];
        _reentrant[chain] = _reentrant.GetValueOrDefault(chain) + 1;
    }

    public void Leave(Guid chain)
    {
        if (_reentrant is not null && _reentrant.TryGetValue(chain, out int depth))
        {
            if (depth == 1)
            {
                _reentrant.Remove(chain);
            }
            else
            {
                _reentrant[chain] = depth - 1;
            }
        }
    }
}
