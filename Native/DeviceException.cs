namespace MoEActors.Native;

/// <summary>A device has failed at something.</summary>
/// <param name="message">Which device, at what, and why.</param>
public abstract class DeviceException(string message) : Exception(message)
{
    /// <summary>True if nothing can be computed on the device any more until the process ends: its memory is lost to it.</summary>
    public bool IsLost { get; protected init; }
}
