using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace MoEActors.Native.Nccl.Bindings;

/// <summary><c>ncclResult_t</c>.</summary>
internal enum NcclResult
{
    Success = 0,
    UnhandledCudaError = 1,
    SystemError = 2,
    InternalError = 3,
    InvalidArgument = 4,
    InvalidUsage = 5,
    RemoteError = 6,
    InProgress = 7,
}

/// <summary><c>ncclDataType_t</c>: the types that this project sends. What is moved only is moved as bytes.</summary>
internal enum NcclType
{
    UInt8 = 1,
    F32 = 7,
}

/// <summary><c>ncclRedOp_t</c>: the reductions that this project asks for.</summary>
internal enum NcclReduction
{
    Sum = 0,
}

/// <summary><c>ncclUniqueId</c>: 128 bytes by which the ranks of a communicator find each other. They have the addresses of the process that made them.</summary>
[InlineArray(Words)]
internal struct NcclUniqueId
{
    private const int Words = 16;

    private ulong _first;
}

/// <summary>
/// <c>ncclConfig_t</c> as of NCCL 2.18. The structure grows at its end, and the library is told how long it is and which version wrote it: older fields are
/// read, newer ones get the library's own values. So this one serves every later version.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
internal struct NcclConfig
{
    /// <summary>The version whose structure this is, as <c>NCCL_VERSION_CODE</c>.</summary>
    public const int WrittenFor = 21800;

    private const uint ApiMagic = 0xCAFEBEEF;

    /// <summary><c>NCCL_CONFIG_UNDEF_INT</c>: the library decides.</summary>
    private const int Undefined = int.MinValue;

    /// <summary>Bytes of the structure.</summary>
    public nuint Size;

    /// <summary>By which the library knows that the structure was filled in.</summary>
    public uint Magic;

    /// <summary>Which version's structure it is.</summary>
    public uint Version;

    /// <summary>0: calls do not wait.</summary>
    public int Blocking;

    /// <summary>Blocks of a cluster.</summary>
    public int CgaClusterSize;

    /// <summary>The least blocks of a kernel.</summary>
    public int MinCtas;

    /// <summary>The most blocks of a kernel.</summary>
    public int MaxCtas;

    /// <summary>Name of a network; null for the library's choice.</summary>
    public nint NetName;

    /// <summary>Whether a communicator that is split off shares resources.</summary>
    public int SplitShare;

    /// <summary>Everything as the library likes it, and no call that waits.</summary>
    public static NcclConfig NonBlocking => new()
    {
        Size = (nuint)Unsafe.SizeOf<NcclConfig>(),
        Magic = ApiMagic,
        Version = WrittenFor,
        Blocking = 0,
        CgaClusterSize = Undefined,
        MinCtas = Undefined,
        MaxCtas = Undefined,
        NetName = 0,
        SplitShare = Undefined,
    };
}
