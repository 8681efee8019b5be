using Microsoft.Extensions.Logging;

namespace Orleans.Runtime;

/// <summary>What the runtime logs.</summary>
internal static partial class RuntimeLog
{
    [LoggerMessage(Level = LogLevel.Error, Message = "{Grain} failed to activate on {Silo}.")]
    public static partial void ActivationFailed(ILogger logger, Exception exception, GrainId grain, SiloAddress silo);

    [LoggerMessage(Level = LogLevel.Error, Message = "{Grain} failed to deactivate on {Silo}.")]
    public static partial void DeactivationFailed(ILogger logger, Exception exception, GrainId grain, SiloAddress silo);

    [LoggerMessage(Level = LogLevel.Error, Message = "{Grain} failed to be disposed on {Silo}.")]
    public static partial void DisposalFailed(ILogger logger, Exception exception, GrainId grain, SiloAddress silo);

    [LoggerMessage(Level = LogLevel.Error, Message = "{Grain} failed to pack what it takes along from {Silo}; it goes with what it had packed.")]
    public static partial void DehydrationFailed(ILogger logger, Exception exception, GrainId grain, SiloAddress silo);

    [LoggerMessage(Level = LogLevel.Error, Message = "{Grain} failed to unpack what it took along to {Silo}; it goes on without.")]
    public static partial void RehydrationFailed(ILogger logger, Exception exception, GrainId grain, SiloAddress silo);

    [LoggerMessage(Level = LogLevel.Error, Message = "{Grain} was to leave {Silo}, and its director failed to say where to.")]
    public static partial void PlacementFailed(ILogger logger, Exception exception, GrainId grain, SiloAddress silo);

    [LoggerMessage(Level = LogLevel.Error, Message = "{Grain} failed to move from {Silo} to {Target}; what it took along is lost.")]
    public static partial void MoveFailed(ILogger logger, Exception exception, GrainId grain, SiloAddress silo, SiloAddress? target);

    [LoggerMessage(Level = LogLevel.Error, Message = "A timer of {Grain} failed.")]
    public static partial void TimerFailed(ILogger logger, Exception exception, GrainId grain);

    [LoggerMessage(Level = LogLevel.Error, Message = "{Listener} failed to hear that {Silo} is {Status}.")]
    public static partial void ListenerFailed(ILogger logger, Exception exception, object listener, SiloAddress silo, SiloStatus status);
}
