using MoEActors.Grains.Interfaces.Errors;

namespace MoEActors.Grains.Durability;

/// <summary>
/// One coordinator's hold on a run: the record as it wrote it last. Every write is a compare-and-swap; losing one means that another
/// coordinator has taken over, and ends this term.
/// </summary>
internal sealed class CoordinatorTerm
{
    private readonly IRunStore _store;

    private CoordinatorTerm(IRunStore store, string model, RunRecord record)
    {
        _store = store;
        Model = model;
        Record = record;
    }

    /// <summary>The run's name.</summary>
    public string Model { get; }

    /// <summary>The run as this coordinator knows it.</summary>
    public RunRecord Record { get; private set; }

    /// <summary>The term's number.</summary>
    public long Number => Record.Term;

    /// <summary>Whether nothing has come of the run yet: no view was ever opened.</summary>
    public bool IsUntouched => Record is { View: 0, Checkpoint: null };

    /// <summary>Whether the store has forgotten what it had acknowledged: batches may be missing in its log until the next snapshot.</summary>
    public bool HasForgetfulStore { get; set; }

    /// <summary>Is told when the store turns out to be older than what this coordinator knows: the step that it has.</summary>
    public Action<long>? Forgotten { get; set; }

    /// <summary>Takes the next term of an existing run; null when there is none.</summary>
    /// <param name="store">The store.</param>
    /// <param name="model">The run's name.</param>
    /// <param name="seen">The highest term that a worker host knows: a store may have forgotten it.</param>
    /// <param name="cancellation">Stops waiting for a store that is away.</param>
    public static async Task<CoordinatorTerm?> TakeAsync(IRunStore store, string model, Func<Task<long>> seen, CancellationToken cancellation = default)
    {
        while (await StoreOutage.RideOutAsync(() => store.ReadAsync(model), cancellation) is { } record)
        {
            var term = new CoordinatorTerm(store, model, record);
            RunRecord taken = record with { Version = record.Version + 1, Term = Math.Max(record.Term, await seen()) + 1, Owner = Guid.NewGuid() };
            if (await StoreOutage.RideOutAsync(() => store.TryWriteAsync(model, taken), () => term.WasTakenAsync(taken)))
            {
                term.Record = taken;
                return term;
            }

            // The last coordinator has written meanwhile, a decision perhaps: take over from that.
        }

        return null;
    }

    /// <summary>Begins a run.</summary>
    /// <exception cref="StaleCommandException">Another coordinator began it at the same moment.</exception>
    public static async Task<CoordinatorTerm> BeginAsync(IRunStore store, string model, RunRecord record)
    {
        var term = new CoordinatorTerm(store, model, new RunRecord());
        await term.WriteAsync(record with { Term = 1, Run = Guid.NewGuid(), Owner = Guid.NewGuid(), LoggedFrom = record.Step });
        return term;
    }

    /// <summary>Whether another coordinator has taken over.</summary>
    public async Task<bool> IsOverAsync() => await StoreOutage.RideOutAsync(() => _store.ReadAsync(Model)) is { } record && record.Term > Number;

    /// <summary>Removes the record: the run is no more, and its name is free.</summary>
    /// <exception cref="StaleCommandException">Another coordinator has taken over.</exception>
    public async Task DeleteAsync()
    {
        if (!await _store.TryDeleteAsync(Model, Record.Version))
        {
            throw Replaced();
        }
    }

    /// <summary>
    /// Replaces the record. A write that the store does not answer may have been taken: whether it was is read back before anything else, for as long as
    /// that takes, since nothing that hangs on a decision may be done or undone while it is unknown.
    /// </summary>
    /// <exception cref="StaleCommandException">Another coordinator has taken over.</exception>
    public async Task WriteAsync(RunRecord record)
    {
        while (true)
        {
            RunRecord next = record with { Version = Record.Version + 1 };
            if (await StoreOutage.RideOutAsync(() => _store.TryWriteAsync(Model, next), () => WasTakenAsync(next)))
            {
                Record = next;
                return;
            }

            if (await StoreOutage.RideOutAsync(() => _store.ReadAsync(Model)) is not { } found || found.Run != Record.Run || found.Version >= Record.Version || found.Term > Record.Term)
            {
                throw Replaced();
            }

            // Nobody has replaced this coordinator: the store is older than what it had acknowledged. What is known here is newer.
            HasForgetfulStore = true;
            Forgotten?.Invoke(found.Step);
            Record = Record with { Version = found.Version };
        }
    }

    /// <summary>Whether a write was taken; null when it was not and nobody else's was either, so that it can be tried again.</summary>
    private async Task<bool?> WasTakenAsync(RunRecord next) => await _store.ReadAsync(Model) switch
    {
        { } found when found.Version == next.Version && found.Owner == next.Owner => true,
        { } found when found.Version == Record.Version && found.Owner == Record.Owner => null,
        null when Record.Version == 0 => null,
        _ => false,
    };

    private StaleCommandException Replaced() => new($"The coordinator of model '{Model}' in term {Record.Term} has been replaced by another; ask again.");
}
