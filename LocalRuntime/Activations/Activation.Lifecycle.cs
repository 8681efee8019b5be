using Microsoft.Extensions.DependencyInjection;

namespace Orleans.Runtime;

/// <summary>How an activation begins and ends.</summary>
internal sealed partial class Activation
{
    private static readonly TimeSpan LifecycleTimeout = TimeSpan.FromSeconds(30);

    private bool _ending;

    /// <summary>Makes the grain's object and activates it, with the request context of the call that asked for it.</summary>
    public void Activate(Dictionary<string, object>? context) => _scheduler.Post(_ => _ = ActivateAsync(context), null);

    public void Deactivate(DeactivationReason deactivationReason, CancellationToken cancellationToken = default)
    {
        lock (_gate)
        {
            if (_class is null || _reason is not null)
            {
                return;
            }

            _reason = deactivationReason;
            if (_state is ActivationState.Valid)
            {
                _state = ActivationState.Deactivating;
                EndWhenIdle();
            }
        }
    }

    /// <summary>Ends at once, without a word to the grain: its silo was killed.</summary>
    public void Vanish(Func<Exception> cause)
    {
        Turn[] lost;
        lock (_gate)
        {
            _state = ActivationState.Invalid;
            _scheduler.Kill();
            lost = [.. _turns.TakeRunning(), .. _turns.TakeWaiting()];
        }

        DisposeTimers();
        foreach (Turn turn in lost)
        {
            turn.Reject(cause());
        }

        _settled.TrySetResult();
        _deactivated.TrySetResult();
    }

    private async Task ActivateAsync(Dictionary<string, object>? context)
    {
        RequestContext.Values = context;
        using var timeout = new CancellationTokenSource(LifecycleTimeout, Silo.Cluster.TimeProvider);
        try
        {
            _scope = Silo.Services.CreateScope();
            _scope.ServiceProvider.GetRequiredService<ActivationScope>().Context = this;
            GrainInstance = _class!.NewInstance(_scope.ServiceProvider);
            Rehydrate();
            await ((IGrainBase)GrainInstance).OnActivateAsync(timeout.Token).WaitAsync(timeout.Token);
        }
        catch (Exception exception)
        {
            RuntimeLog.ActivationFailed(Silo.Logger, exception, GrainId, Silo.SiloAddress);
            Turn[] waiting = await EndAsync();
            foreach (Turn turn in waiting)
            {
                turn.Reject(exception);
            }

            return;
        }

        lock (_gate)
        {
            if (_state is ActivationState.Invalid)
            {
                return;
            }

            _state = _reason is null ? ActivationState.Valid : ActivationState.Deactivating;
            StartWaiting();
            if (_state is ActivationState.Deactivating)
            {
                EndWhenIdle();
            }
        }

        _settled.TrySetResult();
    }

    private void EndWhenIdle()
    {
        if (_turns.IsIdle && !_ending)
        {
            _ending = true;
            _scheduler.Post(_ => _ = DeactivateAsync(), null);
        }
    }

    private async Task DeactivateAsync()
    {
        DisposeTimers();
        using var timeout = new CancellationTokenSource(LifecycleTimeout, Silo.Cluster.TimeProvider);
        bool failed = false;
        try
        {
            await ((IGrainBase)GrainInstance!).OnDeactivateAsync(_reason!.Value, timeout.Token).WaitAsync(timeout.Token);
        }
        catch (Exception exception)
        {
            RuntimeLog.DeactivationFailed(Silo.Logger, exception, GrainId, Silo.SiloAddress);
            failed = true;
        }

        if (_moves && !failed)
        {
            await MoveAsync(timeout.Token);
        }

        foreach (Turn turn in await EndAsync())
        {
            turn.Reroute(_forwardTo);
        }
    }

    private async Task<Turn[]> EndAsync()
    {
        // First of all, so that the next activation can begin while this one is disposed.
        Silo.Forget(this);
        try
        {
            DisposeTimers();
            if (GrainInstance is IAsyncDisposable disposable)
            {
                await disposable.DisposeAsync();
            }
            else
            {
                (GrainInstance as IDisposable)?.Dispose();
            }

            _scope?.Dispose();
        }
        catch (Exception exception)
        {
            RuntimeLog.DisposalFailed(Silo.Logger, exception, GrainId, Silo.SiloAddress);
        }

        Turn[] waiting;
        lock (_gate)
        {
            _state = ActivationState.Invalid;
            waiting = _turns.TakeWaiting();
        }

        _settled.TrySetResult();
        _deactivated.TrySetResult();
        return waiting;
    }
}
