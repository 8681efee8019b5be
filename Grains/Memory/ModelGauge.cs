using MoEActors.Grains.Interfaces.Workers;
using MoEActors.Native.Memory;

namespace MoEActors.Grains.Memory;

/// <summary>
/// What one model has of a device, learnt from what the device has allocated before and after each order: an order is the only thing that allocates
/// while it runs. Written by the executor, read from anywhere.
/// </summary>
internal sealed class ModelGauge(Arena arena)
{
    private readonly Lock _gate = new();
    private long _model;
    private long _arena;
    private long _arenaPeak;
    private long _leaked;
    private long _openPeak;
    private long _stepPeak;
    private long _transferPeak;

    /// <summary>Adds what an order has allocated and not freed.</summary>
    public void Add(WorkOrder order, long allocated)
    {
        lock (_gate)
        {
            _model += allocated;
            switch (order)
            {
                case OpenEpochOrder:
                    _openPeak = Math.Max(_openPeak, _model);
                    break;
                case TransferOrder:
                    _transferPeak = Math.Max(_transferPeak, _model);
                    break;
                default:
                    // Whatever else runs leaves the shards alone, and has the arena for what it needs meanwhile.
                    _stepPeak = Math.Max(_stepPeak, _model);
                    _leaked += allocated - (arena.BytesHeld - _arena);
                    break;
            }

            _arena = arena.BytesHeld;
            _arenaPeak = arena.PeakBytes;
        }
    }

    /// <summary>Takes off what was freed between two orders: shards that have moved away.</summary>
    public void Release(long freed)
    {
        lock (_gate)
        {
            _model -= freed;
        }
    }

    /// <summary>What there is to tell.</summary>
    /// <param name="budget">What the device may allocate.</param>
    /// <param name="used">What it has allocated.</param>
    public WorkerMemory Read(long budget, long used)
    {
        lock (_gate)
        {
            return new WorkerMemory
            {
                Budget = budget,
                Used = used,
                Model = _model,
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
