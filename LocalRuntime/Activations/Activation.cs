using Microsoft.Extensions.DependencyInjection;

namespace Orleans.Runtime;

/// <summary>One activation of a grain, or a grain service: an object, its scheduler, and the turns that wait for it.</summary>
internal sealed partial class Activation : IGrainContext
{
    private readonly Lock _gate = new();
    private readonly TurnGate _turns;
    private readonly ActivationScheduler _scheduler;
    private readonly GrainClass? _class;
    private readonly TaskCompletionSource _deactivated = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private ActivationState _state;
    private DeactivationReason? _reason;
    private IServiceScope? _scope;
    private long _lastUse;
    private long _keepUntil;
    private GrainReference? _reference;

    /// <summary>An activation of a grain, yet to be activated.</summary>
    public Activation(Silo silo, GrainId grainId, GrainClass grainClass, MigrationContext? luggage = null)
        : this(silo, grainId, grainClass.IsReentrant)
    {
        _class = grainClass;
        _luggage = luggage;
        _state = ActivationState.Activating;
    }

    /// <summary>A grain service, always there.</summary>
    public Activation(Silo silo, GrainId grainId, object instance)
        : this(silo, grainId, interleavesAll: true)
    {
        GrainInstance = instance;
        _state = ActivationState.Valid;
    }

    private Activation(Silo silo, GrainId grainId, bool interleavesAll)
    {
        Silo = silo;
        GrainId = grainId;
        _turns = new TurnGate(interleavesAll);
        _scheduler = new ActivationScheduler(this);
        _lastUse = silo.Cluster.TimeProvider.GetTimestamp();
    }

    public Silo Silo { get; }

    public GrainId GrainId { get; }

    public GrainClass? Class => _class;

    public object? GrainInstance { get; private set; }

    public ActivationId ActivationId { get; } = ActivationId.NewId();

    public GrainAddress Address => new() { GrainId = GrainId, ActivationId = ActivationId, SiloAddress = Silo.SiloAddress };

    public GrainReference GrainReference =>
        _reference ??= GrainReference.Create(Silo.Dispatcher, GrainInterface.Of(typeof(IAddressable)), GrainId, _class is null ? Silo.SiloAddress : null);

    public IServiceProvider ActivationServices => _scope?.ServiceProvider ?? Silo.Services;

    public Task Deactivated => _deactivated.Task;

    public bool IsValid => _state is ActivationState.Valid;

    public bool Equals(IGrainContext? other) => ReferenceEquals(this, other);

    public override bool Equals(object? obj) => ReferenceEquals(this, obj);

    public override int GetHashCode() => GrainId.GetHashCode();

    public override string ToString() => $"[{GrainId} on {Silo.SiloAddress}]";

    /// <summary>Takes a turn in, to run now or later. False if the activation has ended.</summary>
    public bool TryReceive(Turn turn)
    {
        lock (_gate)
        {
            if (_state is ActivationState.Invalid)
            {
                return false;
            }

            if (turn.IsUse)
            {
                _lastUse = Silo.Cluster.TimeProvider.GetTimestamp();
            }

            if (_state is ActivationState.Valid && _turns.MayStart(turn))
            {
                Start(turn);
            }
            else
            {
                _turns.Wait(turn);
            }

            return true;
        }
    }

    public void EnterReentrantSection(Guid chain)
    {
        lock (_gate)
        {
            if (chain != Guid.Empty)
            {
                _turns.Enter(chain);
                StartWaiting();
            }
        }
    }

    public void LeaveReentrantSection(Guid chain)
    {
        lock (_gate)
        {
            _turns.Leave(chain);
        }
    }

    /// <summary>Runs code as the activation's, outside of any turn.</summary>
    public Task RunAsync(Func<Task> code)
    {
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _scheduler.Post(
            async _ =>
            {
                try
                {
                    await code();
                    done.TrySetResult();
                }
                catch (Exception exception)
                {
                    done.TrySetException(exception);
                }
            },
            null);
        return done.Task;
    }

    /// <summary>Whether nobody used the activation for that long, nor wants it kept.</summary>
    public bool IsCollectable(TimeSpan age)
    {
        TimeProvider clock = Silo.Cluster.TimeProvider;
        lock (_gate)
        {
            return _class is { KeepAlive: false } && _state is ActivationState.Valid && _turns.IsUnused
                && clock.GetElapsedTime(_lastUse) >= age && clock.GetUtcNow().Ticks >= _keepUntil;
        }
    }

    public void DelayDeactivation(TimeSpan time) => _keepUntil = time == Timeout.InfiniteTimeSpan || time == TimeSpan.MaxValue
        ? long.MaxValue
        : Silo.Cluster.TimeProvider.GetUtcNow().Ticks + time.Ticks;

    private void Start(Turn turn)
    {
        _turns.Started(turn);
        _scheduler.Post(static state => _ = RunTurnAsync(state!), (this, turn));
    }

    private void StartWaiting()
    {
        while (_state is ActivationState.Valid && _turns.TakeNext() is { } turn)
        {
            Start(turn);
        }
    }

    private static async Task RunTurnAsync(object state)
    {
        var (activation, turn) = ((Activation, Turn))state;
        await turn.RunAsync(activation);
        activation.Finish(turn);
    }

    private void Finish(Turn turn)
    {
        lock (_gate)
        {
            _turns.Finished(turn);
            if (turn.IsUse)
            {
                _lastUse = Silo.Cluster.TimeProvider.GetTimestamp();
            }

            if (_state is ActivationState.Deactivating)
            {
                EndWhenIdle();
            }
            else
            {
                StartWaiting();
            }
        }
    }
}
