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

    [LoggerMessage(Level = LogLevel.Error, Message = "A timer of {Grain} failed.")]
    public static partial void TimerFailed(ILogger logger, Exception exception, GrainId grain);

    [LoggerMessage(Level = LogLevel.Error, Message = "{Listener} failed to hear that {Silo} is {Status}.")]
    public static partial void ListenerFailed(ILogger logger, Exception exception, object listener, SiloAddress silo, SiloStatus status);
}
