using MoEActors.Grains.Interfaces.Errors;
using MoEActors.Grains.Interfaces.Workers;
using MoEActors.Native.Communication;
using MoEActors.Placement.Map;

namespace MoEActors.Grains.Workers;

/// <summary>
/// The orders of one model on one host: refuses those of an old term or epoch, takes every other exactly once, and remembers how the last ones
/// ended.
/// </summary>
internal sealed class OrderBook(string model, string silo, Func<WorkerMemory[]> memory)
{
    /// <summary>Reports kept for pollers that ask again: more than a coordinator ever has in flight.</summary>
    private const int Remembered = 64;

    private readonly Lock _gate = new();
    private readonly SortedDictionary<long, Task<WorkReport>> _orders = [];
    private long _epoch;
    private long _step;
    private long _committed;

    /// <summary>The highest term seen.</summary>
    public long Term { get; private set; }

    /// <summary>Enters a term; the orders of an earlier one are forgotten.</summary>
    /// <exception cref="StaleCommandException">A higher term has been seen.</exception>
    public void Enter(long term)
    {
        lock (_gate)
        {
            EnterLocked(term);
        }
    }

    /// <summary>Starts an order unless it has been started before.</summary>
    /// <exception cref="StaleCommandException">Its term, epoch or step is old.</exception>
    public void Submit(OrderHead head, WorkOrder order, Func<IReadOnlyList<(WorkerId Worker, Task<WorkerReport?> Work)>> start)
    {
        lock (_gate)
        {
            EnterLocked(head.Term);
            if (_orders.ContainsKey(head.Number))
            {
                return;
            }

            if (head.Epoch < _epoch)
            {
                throw Stale("epoch", head.Epoch, _epoch);
            }

            if (_orders.Count > 0 && head.Number < _orders.Keys.Last())
            {
                throw Stale("order", head.Number, _orders.Keys.Last());
            }

            if (order is PrepareOrder prepare)
            {
                long oldest = Math.Max(_step, _committed + 1);
                if (prepare.Share.Step < oldest)
                {
                    throw Stale("step", prepare.Share.Step, oldest);
                }

                _step = prepare.Share.Step;
            }
            else if (order is CommitOrder commit)
            {
                if (commit.Step < _committed)
                {
                    throw Stale("step", commit.Step, _committed);
                }

                _committed = commit.Step;
            }

            _epoch = head.Epoch;
            _orders.Add(head.Number, CollectAsync(head.Number, start()));
            while (_orders.Count > Remembered)
            {
                _orders.Remove(_orders.Keys.First());
            }
        }
    }

    /// <summary>Waits up to <paramref name="slice"/> for an order to end; null when it has not.</summary>
    /// <exception cref="StaleCommandException">There is no such order in this term.</exception>
    public async Task<WorkReport?> PollAsync(long term, long number, TimeSpan slice)
    {
        Task<WorkReport>? work;
        lock (_gate)
        {
            if (term != Term || !_orders.TryGetValue(number, out work))
            {
                throw new StaleCommandException(
                    $"Silo {silo} knows no order {number} of term {term} for model '{model}'; it is in term {Term}. Call the roll and order again.");
            }
        }

        await Task.WhenAny(work, Task.Delay(slice));
        return work.IsCompleted ? await work : null;
    }

    private async Task<WorkReport> CollectAsync(long number, IReadOnlyList<(WorkerId Worker, Task<WorkerReport?> Work)> started)
    {
        List<WorkerReport> reports = [];
        string? failure = null;
        string? consequence = null;
        foreach ((WorkerId worker, Task<WorkerReport?> work) in started)
        {
            try
            {
                if (await work is { } report)
                {
                    reports.Add(report);
                }
            }
            catch (CommunicatorException e)
            {
                consequence ??= $"Worker {worker}: {e.Message}";
            }
            catch (Exception e)
            {
                failure ??= $"Worker {worker}: {e.GetType().Name}: {e.Message}";
            }
        }

        return new WorkReport
        {
            Number = number,
            Failure = failure ?? consequence,
            IsConsequence = failure is null && consequence is not null,
            Workers = [.. reports],
            Memory = memory(),
        };
    }

    private void EnterLocked(long term)
    {
        if (term < Term)
        {
            throw Stale("term", term, Term);
        }

        if (term > Term)
        {
            // Its coordinator has called the roll and may have to speak to members that did not hear of the last epoch.
            Term = term;
            _epoch = 0;
            _orders.Clear();
        }
    }

    private StaleCommandException Stale(string what, long given, long current) =>
        new($"Silo {silo} refused a command for model '{model}': its {what} {given} is older than {current}. Another coordinator is in charge.");
}
