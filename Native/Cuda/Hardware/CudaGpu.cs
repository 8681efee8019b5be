using System.Runtime.InteropServices;
using MoEActors.Native.Cuda.Bindings;

namespace MoEActors.Native.Cuda.Hardware;

/// <summary>One GPU of this machine. Its primary context, which all users in a process share, is opened with the first device on it and stays.</summary>
public sealed unsafe class CudaGpu
{
    private const int NameBytes = 256;

    private static readonly Lock Looking = new();

    private static CudaInventory? Known;

    [ThreadStatic]
    private static nint Current;

    private readonly Lazy<nint> _context;

    private CudaGpu(int ordinal)
    {
        Ordinal = ordinal;
        CudaStatus.Check(Driver.DeviceGet(out int handle, ordinal), "looking for it", ordinal);
        Handle = handle;
        byte* name = stackalloc byte[NameBytes];
        CudaStatus.Check(Driver.DeviceGetName(name, NameBytes, handle), "reading its name", ordinal);
        Name = Marshal.PtrToStringUTF8((nint)name) ?? "";
        CudaStatus.Check(Driver.DeviceTotalMem(out nuint bytes, handle), "reading the size of its memory", ordinal);
        TotalBytes = (long)bytes;
        CudaStatus.Check(Driver.DeviceGetUuid(out CudaUuid uuid, handle), "reading its identity", ordinal);
        Uuid = new Guid(uuid, bigEndian: true);
        Major = Attribute(DeviceAttribute.ComputeCapabilityMajor);
        Minor = Attribute(DeviceAttribute.ComputeCapabilityMinor);
        Multiprocessors = Attribute(DeviceAttribute.MultiprocessorCount);
        SharedBytesPerBlock = Attribute(DeviceAttribute.MaxSharedMemoryPerBlockOptIn);
        _context = new Lazy<nint>(OpenContext);
    }

    /// <summary>What this machine has, or why it has none. GPUs that were found stay; as long as there is none, they are looked for each time.</summary>
    public static CudaInventory All
    {
        get
        {
            lock (Looking)
            {
                if (Known is null)
                {
                    CudaInventory found = Find();
                    Known = found.Problem is null ? found : null;
                    return found;
                }

                return Known;
            }
        }
    }

    /// <summary>Its number among those that the driver shows, from 0: as in <c>cuda:0</c>.</summary>
    public int Ordinal { get; }

    /// <summary>The maker's name of it.</summary>
    public string Name { get; }

    /// <summary>Its identity, which stays when others are added or hidden.</summary>
    public Guid Uuid { get; }

    /// <summary>Bytes of its memory, whoever uses them.</summary>
    public long TotalBytes { get; }

    /// <summary>First number of its compute capability.</summary>
    public int Major { get; }

    /// <summary>Second number of its compute capability.</summary>
    public int Minor { get; }

    /// <summary>Its architecture as compilers name it, such as <c>sm_90</c>.</summary>
    public string Architecture => $"sm_{Major}{Minor}";

    /// <summary>Streaming multiprocessors.</summary>
    public int Multiprocessors { get; }

    /// <summary>Shared memory that a block may have, in bytes.</summary>
    public int SharedBytesPerBlock { get; }

    /// <summary>Bytes of its memory that nobody uses at this moment.</summary>
    public long FreeBytes
    {
        get
        {
            // Who only asks does not keep a context, which takes memory itself.
            CudaStatus.Check(Driver.DevicePrimaryCtxRetain(out nint context, Handle), "opening its context", Ordinal);
            CudaStatus.Check(Driver.CtxGetCurrent(out nint before), "asking for the thread's context", Ordinal);
            try
            {
                CudaStatus.Check(Driver.CtxSetCurrent(context), "entering its context", Ordinal);
                CudaStatus.Check(Driver.MemGetInfo(out nuint free, out _), "reading how much of its memory is free", Ordinal);
                return (long)free;
            }
            finally
            {
                _ = Driver.CtxSetCurrent(before);
                _ = Driver.DevicePrimaryCtxRelease(Handle);
            }
        }
    }

    /// <summary>Its primary context.</summary>
    internal nint Context => _context.Value;

    /// <summary>The driver's handle.</summary>
    internal int Handle { get; }

    /// <summary>The GPU with a number.</summary>
    /// <exception cref="ArgumentException">There is none, or CUDA cannot be used; the message says what to do.</exception>
    public static CudaGpu Get(int ordinal) => All switch
    {
        { Problem: { } problem } => throw new ArgumentException($"There is no cuda:{ordinal}: {problem}"),
        { Gpus: var gpus } when (uint)ordinal < (uint)gpus.Count => gpus[ordinal],
        { Gpus: var gpus } => throw new ArgumentException(
            $"There is no cuda:{ordinal}: this machine shows {gpus.Count} GPU{(gpus.Count == 1 ? "" : "s")}, "
            + $"{string.Join(", ", gpus.Select(gpu => $"cuda:{gpu.Ordinal} ({gpu.Name})"))}."),
    };

    /// <summary>Makes the primary context the calling thread's: every call of the driver that works on memory needs that.</summary>
    internal void Enter()
    {
        nint context = _context.Value;
        if (Current != context)
        {
            CudaStatus.Check(Driver.CtxSetCurrent(context), "entering its context", Ordinal);
            Current = context;
        }
    }

    /// <summary>An attribute of the device.</summary>
    internal int Attribute(DeviceAttribute attribute)
    {
        CudaStatus.Check(Driver.DeviceGetAttribute(out int value, attribute, Handle), $"reading its attribute {attribute}", Ordinal);
        return value;
    }

    private static CudaInventory Find()
    {
        IReadOnlyList<CudaLibrary> libraries = CudaLibraries.All;
        if (libraries.FirstOrDefault(library => library.Problem is not null) is { } unusable)
        {
            return new CudaInventory([], libraries, $"{unusable.Name} cannot be used: {unusable.Problem}");
        }

        CudaResult begun = Driver.Init(0);
        int count = 0;
        if (begun == CudaResult.Success)
        {
            begun = Driver.DeviceGetCount(out count);
        }

        return begun != CudaResult.Success || count == 0
            ? new CudaInventory([], libraries, $"the driver shows no GPU ({(begun == CudaResult.Success ? "it counts none" : CudaStatus.NameOf(begun))}). `nvidia-smi` says what it sees; in a container, start it with the GPUs.")
            : new CudaInventory([.. Enumerable.Range(0, count).Select(ordinal => new CudaGpu(ordinal))], libraries, null);
    }

    private nint OpenContext()
    {
        if (Attribute(DeviceAttribute.MemoryPoolsSupported) == 0)
        {
            throw new CudaException(Ordinal, $"cuda:{Ordinal} ({Name}) cannot allocate memory in the order of a stream. Use a GPU of compute capability 8.0 or newer, outside of a partition without memory pools.", "");
        }

        CudaStatus.Check(Driver.DevicePrimaryCtxRetain(out nint context, Handle), "opening its context", Ordinal);
        CudaStatus.Check(Driver.CtxSetCurrent(context), "entering its context", Ordinal);
        Current = context;

        // Freed memory stays with the process: taking it from the driver again would wait for the whole GPU.
        ulong keep = ulong.MaxValue;
        CudaStatus.Check(Driver.DeviceGetDefaultMemPool(out nint pool, Handle), "finding its memory pool", Ordinal);
        CudaStatus.Check(Driver.MemPoolSetAttribute(pool, MemPoolAttribute.ReleaseThreshold, &keep), "setting up its memory pool", Ordinal);
        return context;
    }
}

/// <summary>The GPUs of this machine.</summary>
/// <param name="Gpus">They, by number.</param>
/// <param name="Libraries">The libraries of CUDA.</param>
/// <param name="Problem">Why there is none and what to do; null if there are some.</param>
public sealed record CudaInventory(IReadOnlyList<CudaGpu> Gpus, IReadOnlyList<CudaLibrary> Libraries, string? Problem);
