using System.Collections.Concurrent;
using Microsoft.Extensions.DependencyInjection;
using MoEActors.Grains.Durability;
using Orleans.Serialization;
using Orleans.Storage;

namespace MoEActors.Tests.Support;

/// <summary>A grain storage as providers are: entries by name and grain, with ETags, whose answers can be lost.</summary>
internal sealed class ETagStorage : IGrainStorage
{
    private readonly ConcurrentDictionary<(string, GrainId), (string Tag, byte[] Data, ulong? Sum)> _entries = new();
    private readonly Lock _lock = new();
    private int _away;
    private int _tags, _untilLoss = int.MaxValue, _losses;
    private bool _taken;
    private long _written;

    public int Count => _entries.Count;

    /// <summary>A store of runs in this storage.</summary>
    public GrainStorageRunStore ToRunStore() => new(
        this,
        new ServiceCollection().AddSerializer(serializer => serializer.AddAssembly(typeof(RunRecord).Assembly)).BuildServiceProvider().GetRequiredService<Serializer>());

    public long Written => Interlocked.Read(ref _written);

    public int Lost { get; private set; }

    /// <summary>Whether nothing can be deleted now.</summary>
    public bool RefusesToClear { get; set; }

    /// <summary>Damages what is stored under a name, as a disk does.</summary>
    public void Damage(string stateName)
    {
        KeyValuePair<(string Name, GrainId), (string Tag, byte[] Data, ulong? Sum)> entry = _entries.Single(entry => entry.Key.Item1 == stateName);
        byte[] damaged = [.. entry.Value.Data];
        damaged[^1] ^= 1;
        _entries[entry.Key] = entry.Value with { Data = damaged };
    }

    /// <summary>Is away: what it is asked next fails, so many times, as it does with a server that cannot be reached.</summary>
    public void BeAway(int times) => Volatile.Write(ref _away, times);

    /// <summary>Whether it will fail again.</summary>
    public bool IsAway => Volatile.Read(ref _away) > 0;

    /// <summary>All that is stored now.</summary>
    public IReadOnlyDictionary<(string, GrainId), (string Tag, byte[] Data, ulong? Sum)> Remember() => new Dictionary<(string, GrainId), (string, byte[], ulong?)>(_entries);

    /// <summary>Comes back as it was once, as a server does that has not flushed what it acknowledged.</summary>
    public void GoBack(IReadOnlyDictionary<(string, GrainId), (string Tag, byte[] Data, ulong? Sum)> then)
    {
        lock (_lock)
        {
            _entries.Clear();
            foreach (((string, GrainId) key, (string, byte[], ulong?) value) in then)
            {
                _entries[key] = value;
            }
        }
    }

    /// <summary>Loses the answers of some writes, which are taken or not.</summary>
    public void LoseNext(int after, int count, bool taken) => (Lost, _untilLoss, _losses, _taken) = (0, after, count, taken);

    public Task ReadStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState)
    {
        ThrowIfAway();
        if (_entries.TryGetValue((stateName, grainId), out var found))
        {
            (Bytes(grainState).Data, Bytes(grainState).Sum) = (found.Data, found.Sum);
            (grainState.ETag, grainState.RecordExists) = (found.Tag, true);
        }
        else
        {
            grainState.RecordExists = false;
        }

        return Task.CompletedTask;
    }

    public Task WriteStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState)
    {
        ThrowIfAway();
        lock (_lock)
        {
            bool loses = --_untilLoss < 0 && Lost < _losses;
            if (loses)
            {
                Lost++;
                if (!_taken)
                {
                    throw new TimeoutException("The store did not answer.");
                }
            }

            Require(stateName, grainId, grainState.ETag);
            byte[] data = Bytes(grainState).Data;
            Interlocked.Add(ref _written, data.Length);
            string tag = $"{++_tags}";
            _entries[(stateName, grainId)] = (tag, data, Bytes(grainState).Sum);
            if (loses)
            {
                throw new TimeoutException("The store did not answer.");
            }

            (grainState.ETag, grainState.RecordExists) = (tag, true);
        }

        return Task.CompletedTask;
    }

    public Task ClearStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState)
    {
        lock (_lock)
        {
            if (RefusesToClear)
            {
                throw new TimeoutException("The store did not answer.");
            }

            Require(stateName, grainId, grainState.ETag);
            _entries.TryRemove((stateName, grainId), out _);
        }

        return Task.CompletedTask;
    }

    private void ThrowIfAway()
    {
        if (Volatile.Read(ref _away) > 0 && Interlocked.Decrement(ref _away) >= 0)
        {
            throw new IOException("The store cannot be reached.");
        }
    }

    private static StoredBytes Bytes<T>(IGrainState<T> state) => (StoredBytes)(object)state.State!;

    private void Require(string stateName, GrainId grainId, string? tag)
    {
        string? found = _entries.TryGetValue((stateName, grainId), out var entry) ? entry.Tag : null;
        if (found != tag)
        {
            throw new InconsistentStateException($"{stateName} of {grainId} has another ETag.", found ?? "", tag ?? "");
        }
    }
}
