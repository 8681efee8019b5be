using Orleans.Runtime;

namespace Orleans;

/// <summary>What a grain can do with its own activation.</summary>
public static class GrainBaseExtensions
{
    /// <summary>Ends the activation as soon as no request runs any more.</summary>
    public static void DeactivateOnIdle(this IGrainBase grain) => grain.GrainContext.Deactivate(
        new DeactivationReason(DeactivationReasonCode.ApplicationRequested, "DeactivateOnIdle was called"));

    /// <summary>
    /// Moves the activation, as soon as no request runs any more, to the silo that its placement director picks then, given the request
    /// context of now. It ends, and takes nothing along, if the director picks the silo that it is on.
    /// </summary>
    public static void MigrateOnIdle(this IGrainBase grain) => grain.GrainContext.Migrate(RequestContext.Values);

    /// <summary>Calls <paramref name="callback"/> in turns of the grain, from time to time.</summary>
    public static IGrainTimer RegisterGrainTimer<TState>(
        this IGrainBase grain, Func<TState, CancellationToken, Task> callback, TState state, GrainTimerCreationOptions options)
    {
        ArgumentNullException.ThrowIfNull(callback);
        ArgumentNullException.ThrowIfNull(grain);
        return ((Activation)grain.GrainContext).RegisterTimer(token => callback(state, token), options);
    }

    /// <summary>Calls <paramref name="callback"/> in turns of the grain, from time to time.</summary>
    public static IGrainTimer RegisterGrainTimer(
        this IGrainBase grain, Func<CancellationToken, Task> callback, GrainTimerCreationOptions options) =>
        RegisterGrainTimer(grain, static (call, token) => call(token), callback, options);

    /// <summary>Calls <paramref name="callback"/> in turns of the grain, from time to time.</summary>
    public static IGrainTimer RegisterGrainTimer(this IGrainBase grain, Func<Task> callback, GrainTimerCreationOptions options) =>
        RegisterGrainTimer(grain, static (call, _) => call(), callback, options);

    /// <summary>Calls <paramref name="callback"/> in turns of the grain, from time to time.</summary>
    public static IGrainTimer RegisterGrainTimer<TState>(
        this IGrainBase grain, Func<TState, Task> callback, TState state, GrainTimerCreationOptions options) =>
        RegisterGrainTimer(grain, static (call, _) => call.callback(call.state), (callback, state), options);

    /// <summary>Calls <paramref name="callback"/> in turns of the grain, from time to time.</summary>
    public static IGrainTimer RegisterGrainTimer(
        this IGrainBase grain, Func<CancellationToken, Task> callback, TimeSpan dueTime, TimeSpan period) =>
        RegisterGrainTimer(grain, callback, new GrainTimerCreationOptions(dueTime, period));

    /// <summary>Calls <paramref name="callback"/> in turns of the grain, from time to time.</summary>
    public static IGrainTimer RegisterGrainTimer(this IGrainBase grain, Func<Task> callback, TimeSpan dueTime, TimeSpan period) =>
        RegisterGrainTimer(grain, callback, new GrainTimerCreationOptions(dueTime, period));

    /// <summary>Calls <paramref name="callback"/> in turns of the grain, from time to time.</summary>
    public static IGrainTimer RegisterGrainTimer<TState>(
        this IGrainBase grain, Func<TState, CancellationToken, Task> callback, TState state, TimeSpan dueTime, TimeSpan period) =>
        RegisterGrainTimer(grain, callback, state, new GrainTimerCreationOptions(dueTime, period));

    /// <summary>Calls <paramref name="callback"/> in turns of the grain, from time to time.</summary>
    public static IGrainTimer RegisterGrainTimer<TState>(
        this IGrainBase grain, Func<TState, Task> callback, TState state, TimeSpan dueTime, TimeSpan period) =>
        RegisterGrainTimer(grain, callback, state, new GrainTimerCreationOptions(dueTime, period));
}
