using System.Collections.Concurrent;
using System.Reflection;
using System.Runtime.InteropServices;

namespace MoEActors.Native.Cuda.Bindings;

/// <summary>
/// Finds the three libraries, and NCCL. They are sought in the folder that <c>MOE_CUDA_PATH</c> names, then where the loader looks, in <c>CUDA_PATH</c>, in
/// /usr/local/cuda and among Python's packages (<c>nvidia/*/lib</c>, where PyTorch brings its own). Nothing of CUDA is needed to build.
/// </summary>
public static class CudaLibraries
{
    /// <summary>The variable that names a folder to look in first.</summary>
    public const string PathVariable = "MOE_CUDA_PATH";

    /// <summary>The name of NCCL, which GPUs of several processes need and one does not.</summary>
    internal const string Nccl = "nccl";

    /// <summary>How to come by NCCL.</summary>
    internal const string NcclAdvice =
        "It comes as libnccl2 with NVIDIA's packages, as nvidia-nccl-cu13 or nvidia-nccl-cu12 from PyPI, and with PyTorch; set MOE_CUDA_PATH to the folder where the libraries are.";

    private static readonly string[] Names = [Driver.Library, Nvrtc.Library, CublasLt.Library, Nccl];

    // What was not found is looked for again: it may have been installed meanwhile.
    private static readonly ConcurrentDictionary<string, Found> Loaded = new();

    private static int Registered;

    /// <summary>Where each library was found, and its version; null, with what is wrong, where it cannot be used.</summary>
    public static IReadOnlyList<CudaLibrary> All
    {
        get
        {
            Register();
            return [Report(Driver.Library, typeof(Driver), DriverVersion), Report(Nvrtc.Library, typeof(Nvrtc), NvrtcVersion), Report(CublasLt.Library, typeof(CublasLt), CublasVersion)];
        }
    }

    /// <summary>Makes the imports of this assembly find the libraries.</summary>
    internal static void Register()
    {
        if (Interlocked.Exchange(ref Registered, 1) == 0)
        {
            NativeLibrary.SetDllImportResolver(typeof(CudaLibraries).Assembly, (name, _, _) => Names.Contains(name) ? Get(name).Handle : 0);
        }
    }

    /// <summary>The path under which a library was found; empty if it was not.</summary>
    internal static string PathOf(string library) => Get(library).Path;

    /// <summary>A library that was found, if it was.</summary>
    internal static bool TryGet(string library, out nint handle)
    {
        handle = Get(library).Handle;
        return handle != 0;
    }

    /// <summary>Whether a library was found and has all the functions that are called.</summary>
    /// <param name="library">Its name.</param>
    /// <param name="functions">The type that imports them.</param>
    /// <param name="version">Asks it for its version.</param>
    internal static CudaLibrary Report(string library, Type functions, Func<string> version)
    {
        Register();
        Found found = Get(library);
        if (found.Handle == 0)
        {
            return new CudaLibrary(library, null, null, $"not found: tried {string.Join(", ", found.Tried)}. {Advice(library)}");
        }

        string[] missing =
        [
            .. functions.GetMethods(BindingFlags.Public | BindingFlags.Static)
                .Select(method => method.GetCustomAttribute<LibraryImportAttribute>()?.EntryPoint)
                .Where(entry => entry is not null && !NativeLibrary.TryGetExport(found.Handle, entry, out _)).Select(entry => entry!),
        ];
        return missing.Length > 0
            ? new CudaLibrary(library, found.Path, null, $"{found.Path} is too old or too new: it does not have {string.Join(", ", missing)}")
            : new CudaLibrary(library, found.Path, version(), null);
    }

    private static string Advice(string library) => library switch
    {
        Driver.Library => "It comes with NVIDIA's driver.",
        Nccl => NcclAdvice,
        _ => "It comes with the CUDA toolkit, and with PyTorch's packages; set MOE_CUDA_PATH to the folder where it is.",
    };

    private static string DriverVersion() => Driver.DriverGetVersion(out int version) == CudaResult.Success ? $"{version / 1000}.{version % 1000 / 10}" : "?";

    private static string NvrtcVersion() => Nvrtc.Version(out int major, out int minor) == NvrtcResult.Success ? $"{major}.{minor}" : "?";

    private static string CublasVersion()
    {
        nuint version = CublasLt.GetVersion();
        return $"{version / 10000}.{version / 100 % 100}.{version % 100}";
    }

    private static Found Get(string library)
    {
        if (!Loaded.TryGetValue(library, out Found? found))
        {
            found = Find(library);
            if (found.Handle != 0)
            {
                found = Loaded.GetOrAdd(library, found);
            }
        }

        return found;
    }

    private static Found Find(string library)
    {
        List<string> tried = [];
        foreach (string candidate in Candidates(library))
        {
            tried.Add(candidate);
            if (NativeLibrary.TryLoad(candidate, out nint handle))
            {
                return new Found(handle, candidate, tried);
            }
        }

        return new Found(0, "", tried);
    }

    private static IEnumerable<string> Candidates(string library)
    {
        string[] names = FileNames(library);
        if (Environment.GetEnvironmentVariable(PathVariable) is { Length: > 0 } chosen)
        {
            return names.Select(name => Path.Combine(chosen, name));
        }

        string[] folders = library == Driver.Library ? [] : [.. Folders().Where(Directory.Exists)];
        return [.. names, .. folders.SelectMany(folder => names.Select(name => Path.Combine(folder, name))).Where(File.Exists)];
    }

    private static string[] FileNames(string library) => (library, OperatingSystem.IsWindows()) switch
    {
        (Driver.Library, true) => ["nvcuda.dll"],
        (Driver.Library, false) => ["libcuda.so.1"],
        (Nvrtc.Library, true) => ["nvrtc64_130_0.dll", "nvrtc64_120_0.dll"],
        (CublasLt.Library, true) => ["cublasLt64_13.dll", "cublasLt64_12.dll"],
        (Nccl, true) => ["nccl.dll"],
        (Nccl, false) => ["libnccl.so.2", "libnccl.so"],
        _ => [$"lib{library}.so.13", $"lib{library}.so.12", $"lib{library}.so"],
    };

    private static IEnumerable<string> Folders()
    {
        if (Environment.GetEnvironmentVariable("CUDA_PATH") is { Length: > 0 } toolkit)
        {
            yield return Path.Combine(toolkit, OperatingSystem.IsWindows() ? "bin" : "lib64");
        }

        yield return "/usr/local/cuda/lib64";
        foreach (string packages in PythonPackages())
        {
            string nvidia = Path.Combine(packages, "nvidia");
            if (Directory.Exists(nvidia))
            {
                foreach (string package in Directory.EnumerateDirectories(nvidia).Order(StringComparer.Ordinal))
                {
                    yield return Path.Combine(package, "lib");
                    yield return Path.Combine(package, "bin");
                }
            }
        }
    }

    /// <summary>Where packages are of the Python that a user would start: of the active environment, beside <c>python3</c>, and of the system.</summary>
    private static IEnumerable<string> PythonPackages()
    {
        List<string> roots = [];
        if (Environment.GetEnvironmentVariable("VIRTUAL_ENV") is { Length: > 0 } active)
        {
            roots.Add(active);
        }

        foreach (string folder in (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries))
        {
            if (File.Exists(Path.Combine(folder, "python3")) && Path.GetDirectoryName(folder) is { } root)
            {
                roots.Add(root);
            }
        }

        roots.AddRange(["/usr/local", "/usr"]);
        return roots.Distinct().Select(root => Path.Combine(root, "lib")).Where(Directory.Exists)
            .SelectMany(lib => Directory.EnumerateDirectories(lib, "python3*"))
            .SelectMany(python => new[] { Path.Combine(python, "site-packages"), Path.Combine(python, "dist-packages") });
    }

    private sealed record Found(nint Handle, string Path, IReadOnlyList<string> Tried);
}

/// <summary>One library of CUDA on this machine.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Path">Where it was found; null if it was not.</param>
/// <param name="Version">Its version; null if it cannot be used.</param>
/// <param name="Problem">Why it cannot be used and what to do; null if it can.</param>
public sealed record CudaLibrary(string Name, string? Path, string? Version, string? Problem);
