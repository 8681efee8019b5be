using MoEActors.Grains.Interfaces.Training;

namespace MoEActors.Grains.Training;

/// <summary>Work behind the calls, one piece after the other. Each piece has a ticket, by which its outcome is found afterwards.</summary>
internal sealed class WorkQueue
{
    /// <summary>Outcomes kept for those who ask late.</summary>
    private const int RememberedOutcomes = 256;

    private readonly SortedDictionary<long, Task<WorkOutcome>> _outcomes = [];
    private Task _tail = Task.CompletedTask;
    private long _tickets;
    private int _waiting;

    /// <summary>Whether all work has been done.</summary>
    public bool IsIdle => _tail.IsCompleted;

    /// <summary>Whether work waits for what is being done.</summary>
    public bool HasNext => _waiting > 0;

    /// <summary>Queues a piece of work.</summary>
    /// <param name="term">The term in which it is done.</param>
    /// <param name="work">The work.</param>
    /// <returns>Its ticket.</returns>
    public long Add(long term, Func<Task<WorkOutcome>> work)
    {
        // No other activation's ticket may mean something here: each has a term of its own.
        long ticket = (term << 32) + ++_tickets;
        Task<WorkOutcome> outcome = RunAfter(_tail, work);
        _tail = outcome;
        _outcomes.Add(ticket, outcome);
        while (_outcomes.Count > RememberedOutcomes)
        {
            _outcomes.Remove(_outcomes.Keys.First());
        }

        return ticket;
    }

    /// <summary>The outcome of a piece of work; null when nobody knows the ticket any more.</summary>
    public Task<WorkOutcome>? Find(long ticket) => _outcomes.GetValueOrDefault(ticket);

    private async Task<WorkOutcome> RunAfter(Task before, Func<Task<WorkOutcome>> work)
    {
        _waiting++;
        try
        {
            await before;
        }
        catch (Exception)
        {
            // That failure belongs to whoever waits for its ticket.
        }

        _waiting--;
        return await work();
    }
}
