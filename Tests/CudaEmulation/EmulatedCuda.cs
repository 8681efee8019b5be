using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using MoEActors.Native.Cuda.Bindings;
using ProcessorArchitecture = System.Runtime.InteropServices.Architecture;

namespace MoEActors.Tests.CudaEmulation;

/// <summary>What a device can hold, by the numbers of the emulation.</summary>
internal enum Held
{
    Allocations = 0,
    PinnedAllocations = 1,
    Streams = 2,
    Events = 3,
    Modules = 4,
}

/// <summary>
/// The emulated CUDA libraries: the process is pointed to them before anything can load the real ones, and they are built, once per content of
/// their sources, when the first test asks for them.
/// </summary>
internal static unsafe class EmulatedCuda
{
    private const string Library = "libmoe-emulation.so";

    private static readonly string Sources = Path.GetDirectoryName(Here())!;

    /// <summary>Where the libraries are: a folder of their content and of the processor that they are compiled for.</summary>
    private static readonly string Folder = Path.Combine(Sources, "..", "..", "artifacts", "cuda-emulation", Content());

    private static readonly Lazy<string?> Build = new(() => OperatingSystem.IsLinux() && RuntimeInformation.ProcessArchitecture == ProcessorArchitecture.X64 ? Made() : "The emulated CUDA is for Linux on x86-64.");

    private static readonly Lazy<nint> Handle = new(() => NativeLibrary.Load(Path.Combine(Folder, Library)));

    /// <summary>The device that tests plant their faults on: an error makes a device useless for its process.</summary>
    public const int FaultyDevice = 1;

    /// <summary>The devices that tests lose, each once, while silos compute on them; nothing can be computed on them afterwards.</summary>
    public const int LostDevice = 2, FirstLostDevice = 3;

    /// <summary>Everything that has been found wrong since the log was cleared, a line each.</summary>
    public static string Log
    {
        get
        {
            var read = (delegate* unmanaged<byte*, nuint, nuint>)Function("moe_emulation_log");
            byte[] text = new byte[(int)read(null, 0) + 1];
            fixed (byte* to = text)
            {
                _ = read(to, (nuint)text.Length);
            }

            return Encoding.UTF8.GetString(text).TrimEnd('\0');
        }
    }

    [ModuleInitializer]
    internal static void Choose()
    {
        // Whoever names a folder wants other libraries tested.
        if (Environment.GetEnvironmentVariable(CudaLibraries.PathVariable) is not { Length: > 0 })
        {
            Environment.SetEnvironmentVariable(CudaLibraries.PathVariable, Folder);
        }
    }

    /// <summary>Builds the libraries where that is still to be done; skips the test where there can be none.</summary>
    public static void Require()
    {
        Assert.SkipUnless(
            Environment.GetEnvironmentVariable(CudaLibraries.PathVariable) == Folder, $"{CudaLibraries.PathVariable} names other libraries than the emulated ones.");
        Assert.SkipWhen(Build.Value is not null, Build.Value ?? "");
    }

    /// <summary>What a device holds now.</summary>
    public static int Count(Held what, int device) => ((delegate* unmanaged<int, int, int>)Function("moe_emulation_live"))((int)what, device);

    public static void ClearLog() => ((delegate* unmanaged<void>)Function("moe_emulation_clear"))();

    /// <summary>Draws the orders of streams, blocks and threads from another seed.</summary>
    public static void Seed(ulong seed) => ((delegate* unmanaged<ulong, void>)Function("moe_emulation_seed"))(seed);

    /// <summary>Whether races are looked for: what takes long may go without.</summary>
    public static void SeekRaces(bool on) => ((delegate* unmanaged<int, void>)Function("moe_emulation_races"))(on ? 1 : 0);

    /// <summary>Makes a part of an allocation an object of its own: see the emulation's documentation.</summary>
    public static void Declare(nint address, long bytes) =>
        Assert.Equal(0, ((delegate* unmanaged<nint, nint, int>)Function("moe_emulation_declare"))(address, (nint)bytes));

    public static void Forget(nint address) => Assert.Equal(0, ((delegate* unmanaged<nint, int>)Function("moe_emulation_forget"))(address));

    /// <summary>A function of the libraries.</summary>
    internal static nint Function(string name)
    {
        Require();
        return NativeLibrary.GetExport(Handle.Value, name);
    }

    /// <summary>Builds into a folder of its own, which then takes the place; returns why there can be nothing, in words.</summary>
    private static string? Made()
    {
        if (File.Exists(Path.Combine(Folder, Library)))
        {
            return null;
        }

        if (Run("g++", "--version").Status != 0)
        {
            const string problem = "There is no g++ to build the emulated CUDA with.";
            Console.WriteLine(problem);
            return problem;
        }

        string building = $"{Folder}.{Environment.ProcessId}";
        (int status, string output) = Run("sh", Path.Combine(Sources, "build.sh"), building);
        if (status != 0)
        {
            throw new InvalidOperationException($"The emulated CUDA does not compile:\n{output}");
        }

        try
        {
            Directory.Move(building, Folder);
        }
        catch (IOException) when (File.Exists(Path.Combine(Folder, Library)))
        {
            // Another process was quicker.
            Directory.Delete(building, recursive: true);
        }

        return null;
    }

    private static string Content()
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        string[] folders = [Sources, Path.Combine(Sources, "..", "NcclEmulation")];
        foreach (string file in folders.SelectMany(folder => Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories)).Order(StringComparer.Ordinal))
        {
            if (Path.GetExtension(file) is ".cpp" or ".h" or ".sh")
            {
                hash.AppendData(Encoding.UTF8.GetBytes(Path.GetRelativePath(Sources, file)));
                hash.AppendData(File.ReadAllBytes(file));
            }
        }

        if (File.Exists("/proc/cpuinfo"))
        {
            hash.AppendData(Encoding.UTF8.GetBytes(File.ReadLines("/proc/cpuinfo").FirstOrDefault(line => line.StartsWith("flags", StringComparison.Ordinal)) ?? ""));
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset())[..16];
    }

    private static (int Status, string Output) Run(string program, params string[] arguments)
    {
        try
        {
            using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true, RedirectStandardOutput = true })!;
            Task<string> errors = process.StandardError.ReadToEndAsync();
            string output = process.StandardOutput.ReadToEnd() + errors.Result;
            process.WaitForExit();
            return (process.ExitCode, output);
        }
        catch (System.ComponentModel.Win32Exception e)
        {
            return (-1, e.Message);
        }
    }

    private static string Here([CallerFilePath] string path = "") => path;
}
