using MoEActors.Grains.Interfaces.Director;
using MoEActors.Grains.Interfaces.Training;

namespace MoEActors.Grains.Durability;

/// <summary>
/// A store in the memory of the process, shared by its silos: it outlives any of them, and nothing more. Batches of committed steps are
/// forgotten, as no snapshot exists that they could be replayed on.
/// </summary>
public sealed class InMemoryRunStore : IRunStore
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, RunRecord> _records = [];
    private readonly Dictionary<string, SortedDictionary<long, StepRequest>> _batches = [];
    private readonly Dictionary<string, IReadOnlyList<DirectorDecision>> _decisions = [];

    /// <inheritdoc />
    public Task<RunRecord?> ReadAsync(string model)
    {
        lock (_lock)
        {
            return Task.FromResult(_records.GetValueOrDefault(model));
        }
    }

    /// <inheritdoc />
    public Task<bool> TryWriteAsync(string model, RunRecord record)
    {
        lock (_lock)
        {
            long stored = _records.TryGetValue(model, out RunRecord? known) ? known.Version : 0;
            if (stored != record.Version - 1)
            {
                return Task.FromResult(false);
            }

            _records[model] = record;
            if (_batches.TryGetValue(model, out SortedDictionary<long, StepRequest>? log))
            {
                // The last committed batch stays: a client that missed its outcome may send it again.
                while (log.Count > 0 && log.Keys.First() < record.Step)
                {
                    log.Remove(log.Keys.First());
                }
            }

            return Task.FromResult(true);
        }
    }

    /// <inheritdoc />
    public Task WriteBatchAsync(string model, StepRequest batch)
    {
        lock (_lock)
        {
            if (!_batches.TryGetValue(model, out SortedDictionary<long, StepRequest>? log))
            {
                log = [];
                _batches.Add(model, log);
            }

            log[batch.Step] = batch;
            return Task.CompletedTask;
        }
    }

    /// <inheritdoc />
    public Task<StepRequest?> ReadBatchAsync(string model, long step)
    {
        lock (_lock)
        {
            return Task.FromResult(_batches.TryGetValue(model, out SortedDictionary<long, StepRequest>? log) ? log.GetValueOrDefault(step) : null);
        }
    }

    /// <inheritdoc />
    public Task<IReadOnlyList<DirectorDecision>> ReadDecisionsAsync(string model)
    {
        lock (_lock)
        {
            return Task.FromResult(_decisions.GetValueOrDefault(model, []));
        }
    }

    /// <inheritdoc />
    public Task WriteDecisionsAsync(string model, IReadOnlyList<DirectorDecision> decisions)
    {
        lock (_lock)
        {
            _decisions[model] = decisions;
            return Task.CompletedTask;
        }
    }
}
