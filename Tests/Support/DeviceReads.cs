using MoEActors.Native;
using MoEActors.Native.Memory;

namespace MoEActors.Tests.Support;

/// <summary>Reads of device memory.</summary>
internal static class DeviceReads
{
    /// <summary>The elements, in host memory.</summary>
    public static T[] ToArray<T>(this IDevice device, DeviceSpan<T> span)
        where T : unmanaged
    {
        var values = new T[span.Length];
        device.Read(span, values);
        return values;
    }
}
