namespace MoEActors.Native;

/// <summary>A device has failed at something.</summary>
/// <param name="message">Which device, at what, and why.</param>
public abstract class DeviceException(string message) : Exception(message)
{
    /// <summary>True if nothing can be computed on the device any more until the process ends: its memory is lost to it.</summary>
    public bool IsLost { get; protected init; }

    /// <summary>The loss of a device among an exception and its causes; null where there is none.</summary>
    public static DeviceException? LossIn(Exception? exception) => exception switch
    {
        null => null,
        DeviceException { IsLost: true } lost => lost,
        AggregateException many => many.InnerExceptions.Select(LossIn).FirstOrDefault(lost => lost is not null),
        _ => LossIn(exception.InnerException),
    };
}
