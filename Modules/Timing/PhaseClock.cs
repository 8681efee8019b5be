using System.Diagnostics;
using MoEActors.Native.Timing;

namespace MoEActors.Modules.Timing;

/// <summary>What a worker's thread does in a training step. Forward and backward count alike.</summary>
public enum Phase
{
    /// <summary>Nothing of a step: it waits for commands, or carries out one that is no step, such as a move.</summary>
    Idle,

    /// <summary>The routed experts: grouped products and what is between them.</summary>
    Experts,

    /// <summary>Attention with its projections.</summary>
    Attention,

    /// <summary>Gates, and the ordering and combining of rows.</summary>
    Gate,

    /// <summary>Rows between workers, waiting for the others included.</summary>
    Exchange,

    /// <summary>Embedding, norms, dense and shared feed-forward blocks, head and loss.</summary>
    Dense,

    /// <summary>Clearing, reduction and norm of gradients, waiting for the others included.</summary>
    Gradients,

    /// <summary>The optimizer.</summary>
    Update,
}

/// <summary>Where in a step a thread is.</summary>
/// <param name="Phase">What it does.</param>
/// <param name="Layer">The mixture-of-experts layer it does it for; −1 for none.</param>
public readonly record struct PhaseMark(Phase Phase, int Layer);

/// <summary>
/// Splits the time of one thread by <see cref="Phase"/>: every moment since <see cref="Reset"/> belongs to exactly one. Code that begins
/// a phase enters it, and enters the one before at the end; backward passes are in the phase that recorded them. Beside the time on the
/// clock it keeps the processor time of the thread: the difference is waiting - for other workers, or for a core. A change of phase costs two
/// readings, about 0.3 µs together, and no allocation. On a device that queues its operations the queueing is what is timed.
/// </summary>
/// <param name="layers">Layers of the model, for the times by layer.</param>
public sealed class PhaseClock(int layers = 0)
{
    private static readonly int Phases = Enum.GetValues<Phase>().Length;

    private readonly long[] _elapsed = new long[Phases];
    private readonly long[] _busy = new long[Phases];
    private readonly long[] _layerElapsed = new long[layers];
    private readonly long[] _layerBusy = new long[layers];
    private readonly long[] _expertsBusy = new long[layers];
    private long _since = Stopwatch.GetTimestamp();
    private long _busySince;
    private bool _running;

    /// <summary>Where the thread is.</summary>
    public PhaseMark Mark { get; private set; } = new(Phase.Idle, -1);

    /// <summary>Leaves <see cref="Phase.Idle"/>. Until <see cref="Stop"/>, phases may be entered; before, entering them does nothing.</summary>
    public void Start(Phase phase)
    {
        _running = true;
        Move(new PhaseMark(phase, -1));
    }

    /// <summary>Back to <see cref="Phase.Idle"/>.</summary>
    public void Stop()
    {
        Move(new PhaseMark(Phase.Idle, -1));
        _running = false;
    }

    /// <summary>Clears all times; those of the running phase count from now.</summary>
    public void Reset()
    {
        Move(Mark);
        Array.Clear(_elapsed);
        Array.Clear(_busy);
        Array.Clear(_layerElapsed);
        Array.Clear(_layerBusy);
        Array.Clear(_expertsBusy);
    }

    /// <summary>Begins a phase, in the layer of the one before.</summary>
    /// <returns>Where the thread was, to go back to.</returns>
    public PhaseMark Enter(Phase phase)
    {
        PhaseMark before = Mark;
        Enter(new PhaseMark(phase, before.Layer));
        return before;
    }

    /// <summary>Begins, or goes back to, a phase.</summary>
    public void Enter(PhaseMark mark)
    {
        if (_running && mark != Mark)
        {
            Move(mark);
        }
    }

    /// <summary>Seconds on the clock.</summary>
    public double Elapsed(Phase phase) => (double)_elapsed[(int)phase] / Stopwatch.Frequency;

    /// <summary>Seconds of the thread's processor time.</summary>
    public double Busy(Phase phase) => _busy[(int)phase] / 1e9;

    /// <summary>Seconds on the clock that a layer took for its gate, exchange and routed experts.</summary>
    public double ElapsedIn(int layer) => (double)_layerElapsed[layer] / Stopwatch.Frequency;

    /// <summary>Seconds of processor time that a layer took for its gate, exchange and routed experts.</summary>
    public double BusyIn(int layer) => _layerBusy[layer] / 1e9;

    /// <summary>Seconds of processor time that a layer took for its exchange and routed experts, its gate apart.</summary>
    public double BusyInExperts(int layer) => _expertsBusy[layer] / 1e9;

    private void Move(PhaseMark mark)
    {
        long now = Stopwatch.GetTimestamp();
        long busy = ThreadTime.Nanoseconds;
        (Phase phase, int layer) = Mark;
        _elapsed[(int)phase] += now - _since;

        // A clock may be made on another thread than the one it times: idle time has no processor time.
        long worked = phase == Phase.Idle ? 0 : busy - _busySince;
        _busy[(int)phase] += worked;
        if (layer >= 0 && layer < _layerElapsed.Length && phase is Phase.Experts or Phase.Gate or Phase.Exchange)
        {
            _layerElapsed[layer] += now - _since;
            _layerBusy[layer] += worked;
            _expertsBusy[layer] += phase == Phase.Gate ? 0 : worked;
        }

        _since = now;
        _busySince = busy;
        Mark = mark;
    }
}
