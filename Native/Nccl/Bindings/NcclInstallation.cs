using System.Runtime.InteropServices;
using MoEActors.Native.Cuda.Bindings;

namespace MoEActors.Native.Nccl.Bindings;

/// <summary>NCCL on this machine, by which GPUs of several processes exchange rows. It is sought as the libraries of CUDA are (<see cref="CudaLibraries"/>).</summary>
public static class NcclInstallation
{
    /// <summary>The oldest version that is used.</summary>
    private const int Oldest = 22000;

    /// <summary>Functions that newer versions have, and that nothing here depends on: since 2.27, 2.27 and 2.29.</summary>
    private static readonly string[] Optional = ["ncclCommShrink", "ncclCommWindowRegister", "ncclCommRevoke"];

    /// <summary>Where it was found, and its version; null, with what is wrong, where it cannot be used.</summary>
    public static CudaLibrary Library
    {
        get
        {
            CudaLibrary found = CudaLibraries.Report(NcclFunctions.Library, typeof(NcclFunctions), () => InWords(Version));
            return found.Problem is null && Version < Oldest
                ? found with { Version = null, Problem = $"{found.Path} is NCCL {found.Version}; {InWords(Oldest)} or newer is needed. {CudaLibraries.NcclAdvice}" }
                : found;
        }
    }

    /// <summary>Which of the functions that only newer versions have this one has, by their C names.</summary>
    public static IReadOnlyList<string> Extensions =>
        CudaLibraries.TryGet(NcclFunctions.Library, out nint handle) ? [.. Optional.Where(name => NativeLibrary.TryGetExport(handle, name, out _))] : [];

    /// <summary>The library's version as a number, as <c>NCCL_VERSION_CODE</c>.</summary>
    internal static int Version => NcclFunctions.GetVersion(out int version) == NcclResult.Success ? version : 0;

    /// <summary>A version as people write it.</summary>
    internal static string InWords(int version) => $"{version / 10000}.{version / 100 % 100}.{version % 100}";

    /// <summary>What a call ended with, in words.</summary>
    /// <param name="result">Its result.</param>
    /// <param name="communicator">The communicator, which may know more; 0 if there is none.</param>
    internal static string InWords(NcclResult result, nint communicator)
    {
        string known = Marshal.PtrToStringUTF8(NcclFunctions.GetErrorString(result)) ?? $"NCCL status {(int)result}";
        string last = Marshal.PtrToStringUTF8(NcclFunctions.GetLastError(communicator)) ?? "";
        return last.Length == 0 ? known : $"{known} ({last.Trim()})";
    }
}
