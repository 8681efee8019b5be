using MoEActors.Modules.Kinds;

namespace MoEActors.Workers.Commands;

/// <summary>The host refuses a command: it has seen a newer one, or does not have it.</summary>
public sealed class CommandRefusedException(string message) : Exception(message);

/// <summary>
/// The commands of one model on one host. The fence is (term, view, number, step): a higher term forgets the commands of the one before; within a term
/// the view never falls, a command runs once however often it arrives and never after a later one, a step is prepared in order and committed once.
/// How the last commands ended is kept for whoever polls again.
/// </summary>
internal sealed class CommandInbox(string model, string silo, Func<WorkerMemory[]> memory)
{
    /// <summary>Reports kept for pollers that ask again: more than a coordinator ever has in flight.</summary>
    private const int Remembered = 64;

    private readonly Lock _lock = new();
    private readonly SortedDictionary<long, Task<HostReport>> _commands = [];
    private long _view;
    private long _step;
    private long _committed;

    /// <summary>The highest term seen.</summary>
    public long Term { get; private set; }

    /// <summary>Enters a term; the commands of an earlier one are forgotten.</summary>
    /// <returns>Whether the term is new here.</returns>
    /// <exception cref="CommandRefusedException">A higher term has been seen.</exception>
    public bool Enter(long term)
    {
        lock (_lock)
        {
            return EnterLocked(term);
        }
    }

    /// <summary>Starts a command unless it has been started before.</summary>
    /// <exception cref="CommandRefusedException">Its term, view or step is old.</exception>
    public void Submit(CommandHeader header, Command command, Func<IReadOnlyList<(WorkerId Worker, Task<WorkerReport?> Work)>> start)
    {
        lock (_lock)
        {
            EnterLocked(header.Term);
            if (_commands.ContainsKey(header.Number))
            {
                return;
            }

            Require("view", header.View, _view);
            Require("command", header.Number, _commands.Count > 0 ? _commands.Keys.Last() : 0);
            if (command is PrepareCommand { Share.Step: var prepared })
            {
                Require("step", prepared, Math.Max(_step, _committed + 1));
                _step = prepared;
            }
            else if (command is CommitCommand { Step: var committed })
            {
                Require("step", committed, _committed);
                _committed = committed;
            }
            else if (command is OpenViewCommand { Version: var version })
            {
                // A view is where a run may fall back to an earlier step, to compute again what was lost.
                _committed = version;
                _step = version;
            }

            _view = header.View;
            _commands.Add(header.Number, CollectAsync(header.Number, start()));
            while (_commands.Count > Remembered)
            {
                _commands.Remove(_commands.Keys.First());
            }
        }
    }

    /// <summary>Waits up to <paramref name="slice"/> for a command to end; null when it has not.</summary>
    /// <exception cref="CommandRefusedException">There is no such command in this term.</exception>
    public async Task<HostReport?> PollAsync(long term, long number, TimeSpan slice)
    {
        Task<HostReport>? work;
        lock (_lock)
        {
            if (term != Term || !_commands.TryGetValue(number, out work))
            {
                throw new CommandRefusedException(
                    $"Silo {silo} has no command {number} of term {term} for model '{model}'; it is in term {Term}. Take the inventory again and go on from there.");
            }
        }

        // Unlike a delay, this leaves no timer behind.
        await ((Task)work).WaitAsync(slice).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);
        return work.IsCompleted ? await work : null;
    }

    private async Task<HostReport> CollectAsync(long number, IReadOnlyList<(WorkerId Worker, Task<WorkerReport?> Work)> started)
    {
        List<WorkerReport> reports = [];
        string? failure = null;
        string? consequence = null;
        string? cause = null;
        SortedSet<int> missing = [];
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
                missing.UnionWith(e.MissingRanks);
            }
            catch (Exception e)
            {
                if (failure is null)
                {
                    failure = $"Worker {worker}: {e.GetType().Name}: {e.Message}";
                    cause = (e as KindException)?.InnerException?.ToString();
                }
            }
        }

        return new HostReport(
            number, failure ?? consequence, IsConsequence: failure is null && consequence is not null, [.. reports], memory(), cause, missing.Count == 0 ? null : [.. missing]);
    }

    private bool EnterLocked(long term)
    {
        Require("term", term, Term);
        if (term == Term)
        {
            return false;
        }

        // Its coordinator takes the inventory first, and may have commands for members that missed the last view.
        Term = term;
        _view = 0;
        _commands.Clear();
        return true;
    }

    private void Require(string what, long given, long least)
    {
        if (given < least)
        {
            throw new CommandRefusedException(
                $"Silo {silo} refused a command for model '{model}': its {what} {given} is older than {least}. Another coordinator is in charge.");
        }
    }
}
