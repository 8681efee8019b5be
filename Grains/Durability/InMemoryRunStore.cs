using MoEActors.Grains.Interfaces.Director;
using MoEActors.Grains.Interfaces.Training;
using MoEActors.Native.Communication;

namespace MoEActors.Grains.Durability;

/// <summary>A store in the memory of the process, shared by its silos: it outlives any of them, and nothing more.</summary>
public sealed class InMemoryRunStore : IRunStore, IProcessPrivate
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, RunRecord> _records = [];
    private readonly Dictionary<string, SortedDictionary<long, StepRequest>> _batches = [];
    private readonly Dictionary<string, IReadOnlyList<DirectorDecision>> _decisions = [];

    /// <inheritdoc />
    public Task<RunRecord?> ReadAsync(string model) => Locked(() => _records.GetValueOrDefault(model));

    /// <inheritdoc />
    public Task<bool> TryWriteAsync(string model, RunRecord record) => Locked(() =>
    {
        if ((_records.GetValueOrDefault(model)?.Version ?? 0) != record.Version - 1)
        {
            return false;
        }

        _records[model] = record;
        return true;
    });

    /// <inheritdoc />
    public Task<IReadOnlyList<string>> ListAsync() => Locked<IReadOnlyList<string>>(() => [.. _records.Keys]);

    /// <inheritdoc />
    public Task<bool> TryDeleteAsync(string model, long version) => Locked(() =>
    {
        if (_records.GetValueOrDefault(model)?.Version != version)
        {
            return false;
        }

        _batches.Remove(model);
        _decisions.Remove(model);
        return _records.Remove(model);
    });

    /// <inheritdoc />
    public Task WriteBatchAsync(string model, StepRequest batch) => Locked(() => LogOf(model)[batch.Step] = batch);

    /// <inheritdoc />
    public Task TrimBatchesAsync(string model, long from, long through) => Locked(() =>
    {
        SortedDictionary<long, StepRequest> log = LogOf(model);
        Array.ForEach([.. log.Keys.Where(step => step >= from && step <= through)], step => log.Remove(step));
        return true;
    });

    /// <inheritdoc />
    public Task<StepRequest?> ReadBatchAsync(string model, long step) => Locked(() => LogOf(model).GetValueOrDefault(step));

    /// <inheritdoc />
    public Task<IReadOnlyList<DirectorDecision>> ReadDecisionsAsync(string model) => Locked(() => _decisions.GetValueOrDefault(model, []));

    /// <inheritdoc />
    public Task WriteDecisionsAsync(string model, IReadOnlyList<DirectorDecision> decisions) => Locked(() => _decisions[model] = decisions);

    private SortedDictionary<long, StepRequest> LogOf(string model) =>
        _batches.TryGetValue(model, out SortedDictionary<long, StepRequest>? log) ? log : _batches[model] = [];

    private Task<T> Locked<T>(Func<T> access)
    {
        lock (_lock)
        {
            return Task.FromResult(access());
        }
    }
}
