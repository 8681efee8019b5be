using System.Runtime.InteropServices;
using MoEActors.Native.Cuda.Bindings;

namespace MoEActors.Native.Nccl.Bindings;

/// <summary>
/// The functions of NCCL that this project calls, by their C names. Buffers are addresses of device memory, streams the driver's handles. A communicator is used
/// by one thread at a time. None of a communicator that does not block waits for other ranks: it answers
/// <see cref="NcclResult.InProgress"/>, and <see cref="CommGetAsyncError"/> says how it goes on.
/// </summary>
internal static unsafe partial class NcclFunctions
{
    /// <summary>Name under which <see cref="CudaLibraries"/> finds the library.</summary>
    public const string Library = CudaLibraries.Nccl;

    [LibraryImport(Library, EntryPoint = "ncclGetVersion")]
    public static partial NcclResult GetVersion(out int version);

    [LibraryImport(Library, EntryPoint = "ncclGetErrorString")]
    public static partial nint GetErrorString(NcclResult result);

    [LibraryImport(Library, EntryPoint = "ncclGetLastError")]
    public static partial nint GetLastError(nint communicator);

    [LibraryImport(Library, EntryPoint = "ncclGetUniqueId")]
    public static partial NcclResult GetUniqueId(out NcclUniqueId id);

    [LibraryImport(Library, EntryPoint = "ncclCommInitRankConfig")]
    public static partial NcclResult CommInitRankConfig(out nint communicator, int ranks, NcclUniqueId id, int rank, in NcclConfig config);

    [LibraryImport(Library, EntryPoint = "ncclCommGetAsyncError")]
    public static partial NcclResult CommGetAsyncError(nint communicator, out NcclResult state);

    [LibraryImport(Library, EntryPoint = "ncclCommFinalize")]
    public static partial NcclResult CommFinalize(nint communicator);

    [LibraryImport(Library, EntryPoint = "ncclCommDestroy")]
    public static partial NcclResult CommDestroy(nint communicator);

    [LibraryImport(Library, EntryPoint = "ncclCommAbort")]
    public static partial NcclResult CommAbort(nint communicator);

    [LibraryImport(Library, EntryPoint = "ncclGroupStart")]
    public static partial NcclResult GroupStart();

    [LibraryImport(Library, EntryPoint = "ncclGroupEnd")]
    public static partial NcclResult GroupEnd();

    [LibraryImport(Library, EntryPoint = "ncclSend")]
    public static partial NcclResult Send(nint buffer, nuint count, NcclType type, int peer, nint communicator, nint stream);

    [LibraryImport(Library, EntryPoint = "ncclRecv")]
    public static partial NcclResult Receive(nint buffer, nuint count, NcclType type, int peer, nint communicator, nint stream);

    [LibraryImport(Library, EntryPoint = "ncclAllGather")]
    public static partial NcclResult AllGather(nint mine, nint all, nuint count, NcclType type, nint communicator, nint stream);

    [LibraryImport(Library, EntryPoint = "ncclBroadcast")]
    public static partial NcclResult Broadcast(nint source, nint target, nuint count, NcclType type, int root, nint communicator, nint stream);

    [LibraryImport(Library, EntryPoint = "ncclAllReduce")]
    public static partial NcclResult AllReduce(nint source, nint target, nuint count, NcclType type, NcclReduction reduction, nint communicator, nint stream);

    [LibraryImport(Library, EntryPoint = "ncclReduceScatter")]
    public static partial NcclResult ReduceScatter(
        nint source, nint target, nuint received, NcclType type, NcclReduction reduction, nint communicator, nint stream);
}
