using MoEActors.Workers.Commands;
using MoEActors.Workers.Shards;

namespace MoEActors.Workers.Memory;

/// <summary>
/// What one model has of a device: its shards, which its table counts, and the rest, learnt from what commands have allocated and not freed. Written by
/// the executor, read from anywhere.
/// </summary>
/// <param name="shards">The model's shards.</param>
/// <param name="arenas">Its arenas.</param>
internal sealed class ModelGauge(ShardTable shards, Func<IReadOnlyList<Arena>> arenas)
{
    private readonly Lock _lock = new();
    private long _other;
    private long _arena;
    private long _arenaPeak;
    private long _leaked;
    private long _openPeak;
    private long _stepPeak;
    private long _transferPeak;

    /// <summary>Adds what a command has allocated and not freed, shards apart.</summary>
    public void Add(Command command, long allocated)
    {
        lock (_lock)
        {
            long arena = arenas().Sum(one => one.BytesHeld);
            _other += allocated;
            long model = _other + shards.Bytes;
            if (command is OpenViewCommand)
            {
                _openPeak = Math.Max(_openPeak, model);
            }
            else if (shards.HasArrivals)
            {
                _transferPeak = Math.Max(_transferPeak, model);
            }
            else
            {
                _stepPeak = Math.Max(_stepPeak, model);
            }

            if (command is not (OpenViewCommand or CommitCommand { Adopt: not 0 }))
            {
                // Tables change with the placement. Whatever else runs has the arenas for what it needs meanwhile.
                _leaked += allocated - (arena - _arena);
            }

            _arena = arena;
            _arenaPeak = arenas().Sum(one => one.PeakBytes);
        }
    }

    /// <summary>What there is to tell.</summary>
    /// <param name="budget">What the device may allocate.</param>
    /// <param name="used">What it has allocated.</param>
    /// <param name="copies">What copies of the model's snapshots have of that.</param>
    public WorkerMemory Read(long budget, long used, long copies)
    {
        lock (_lock)
        {
            return new WorkerMemory
            {
                Budget = budget,
                Used = used,
                Model = _other + shards.Bytes,
                Copies = copies,
                Arena = _arena,
                ArenaPeak = _arenaPeak,
                Leaked = _leaked,
                OpenPeak = _openPeak,
                StepPeak = _stepPeak,
                TransferPeak = _transferPeak,
            };
        }
    }
}
