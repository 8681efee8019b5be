using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using MoEActors.Native.Memory;

namespace MoEActors.Tests.Native.Communication;

/// <summary>Host memory that stays where it is, so that a test can hold it as an array and a rank as a span.</summary>
internal sealed unsafe class PinnedMemory<T>
    where T : unmanaged
{
    public PinnedMemory(int length, Func<int, T>? value = null)
    {
        Elements = GC.AllocateArray<T>(length, pinned: true);
        for (int i = 0; i < length; i++)
        {
            Elements[i] = value is null ? default : value(i);
        }
    }

    public T[] Elements { get; }

    public DeviceSpan<T> Span => new((nint)Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(Elements)), Elements.Length);
}
