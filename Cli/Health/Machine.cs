using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;
using MoEActors.Native.Cuda.Bindings;
using MoEActors.Native.Cuda.Hardware;
using MoEActors.Native.Nccl.Bindings;

namespace MoEActors.Cli.Health;

/// <summary>What can be found out about this machine without changing it. A record, so that tests can diagnose machines that do not exist.</summary>
internal sealed record Machine
{
    /// <summary>Version of the SDK that is installed beside the running .NET; null where there is only a runtime.</summary>
    public required string? Sdk { get; init; }

    /// <summary>Version of the running .NET.</summary>
    public required string DotNet { get; init; }

    /// <summary>Bits of the widest vectors that kernels use: 512, 256, or less.</summary>
    public required int VectorBits { get; init; }

    /// <summary>Whether a fused multiply-add is one instruction.</summary>
    public required bool HasFusedMultiplyAdd { get; init; }

    /// <summary>Cores that this process may use.</summary>
    public required int Cores { get; init; }

    /// <summary>Bytes of memory that this process may use.</summary>
    public required long Memory { get; init; }

    /// <summary>The processor's name as the system knows it; null where it says none.</summary>
    public required string? Processor { get; init; }

    /// <summary>Ports that a silo listens on by default, and that another program has taken.</summary>
    public required IReadOnlyList<int> TakenPorts { get; init; }

    /// <summary>Free bytes on the disk of runs/, or of the current folder while there is none; null when it is unknown.</summary>
    public required long? Disk { get; init; }

    /// <summary>Why nothing can be written there; null when it can.</summary>
    public required string? FolderProblem { get; init; }

    /// <summary>OpenBLAS's own description; null where it is not installed.</summary>
    public required string? OpenBlas { get; init; }

    /// <summary>Its GPUs, a line each.</summary>
    public IReadOnlyList<string> Gpus { get; init; } = [];

    /// <summary>Libraries of CUDA that can be used, a line each.</summary>
    public IReadOnlyList<string> CudaLibraries { get; init; } = [];

    /// <summary>Why no GPU can be used, and what to do; null when one can.</summary>
    public string? GpuProblem { get; init; }

    /// <summary>NCCL, where a GPU can be used, in a line; null where there is none.</summary>
    public string? Nccl { get; init; }

    /// <summary>Why a GPU has no NCCL to use, and what to do; null where it has, and without a GPU.</summary>
    public string? NcclProblem { get; init; }

    /// <summary>Orleans' own choice: one for other silos, one for clients.</summary>
    private static readonly int[] OrleansPorts = [11111, 30000];

    /// <summary>Where runs go.</summary>
    private static string Folder => Path.GetFullPath(Directory.Exists(OutputPath.Runs) ? OutputPath.Runs : ".");

    /// <summary>Looks.</summary>
    public static Machine Here()
    {
        CudaInventory cuda = CudaGpu.All;
        CudaLibrary? nccl = cuda.Problem is null ? NcclInstallation.Library : null;
        return new()
        {
            Sdk = FindSdk(),
            DotNet = Environment.Version.ToString(),
            VectorBits = Vector512.IsHardwareAccelerated ? 512 : Vector256.IsHardwareAccelerated ? 256 : 128,
            HasFusedMultiplyAdd = Fma.IsSupported || AdvSimd.IsSupported,
            Cores = Environment.ProcessorCount,
            Memory = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes,
            Processor = FindProcessor(),
            TakenPorts = [.. OrleansPorts.Where(IsTaken)],
            Disk = FreeDisk(),
            FolderProblem = TryToWrite(),
            OpenBlas = Benchmarks.OpenBlas.TryLoad()?.Configuration,
            Gpus = [.. cuda.Gpus.Select(gpu => $"cuda:{gpu.Ordinal} {gpu.Name} ({gpu.Architecture}), {Free(gpu)}")],
            CudaLibraries = [.. cuda.Libraries.Where(library => library.Problem is null).Select(InWords)],
            GpuProblem = cuda.Problem,
            Nccl = nccl is { Problem: null } ? InWords(nccl) : null,
            NcclProblem = nccl?.Problem,
        };

        static string InWords(CudaLibrary library) => $"{library.Name} {library.Version} ({library.Path})";

        static string Free(CudaGpu gpu)
        {
            try
            {
                return $"{Gibibytes(gpu.FreeBytes)} of {Gibibytes(gpu.TotalBytes)} free";
            }
            catch (CudaException e)
            {
                return $"which cannot be used: {e.Message}";
            }
        }

        static string Gibibytes(long bytes) => $"{(double)bytes / (1L << 30):0.0} GiB";
    }

    /// <summary>The newest SDK in the installation that runs this process.</summary>
    private static string? FindSdk()
    {
        // shared/Microsoft.NETCore.App/10.0.x is three levels below the installation.
        string folder = Path.GetFullPath(Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "..", "..", "..", "sdk"));
        return !Directory.Exists(folder)
            ? null
            : Directory.GetDirectories(folder)
                .Select(path => Path.GetFileName(path))
                .Where(name => Version.TryParse(name.Split('-')[0], out _))
                .MaxBy(name => Version.Parse(name.Split('-')[0]));
    }

    private static string? FindProcessor()
    {
        try
        {
            // Linux; elsewhere there is no such file, and nothing to say.
            return File.ReadLines("/proc/cpuinfo").FirstOrDefault(line => line.StartsWith("model name", StringComparison.Ordinal))?.Split(':', 2)[1].Trim();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>Tries to listen, for a moment.</summary>
    internal static bool IsTaken(int port)
    {
        try
        {
            using var listener = new TcpListener(IPAddress.Loopback, port);
            listener.Start();
            return false;
        }
        catch (SocketException e)
        {
            // A container without a network has no loopback; nobody listens there.
            return e.SocketErrorCode is not (SocketError.AddressNotAvailable or SocketError.AddressFamilyNotSupported or SocketError.NetworkDown);
        }
    }

    private static long? FreeDisk()
    {
        try
        {
            return new DriveInfo(Folder).AvailableFreeSpace;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return null;
        }
    }

    private static string? TryToWrite()
    {
        try
        {
            string file = Path.Combine(Folder, $".moe-doctor-{Environment.ProcessId}");
            using FileStream stream = new(file, FileMode.CreateNew, FileAccess.Write, FileShare.None, 1, FileOptions.DeleteOnClose);
            stream.WriteByte(0);
            return null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return e.Message;
        }
    }
}
