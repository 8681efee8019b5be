using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using MoEActors.Native.Memory;

namespace MoEActors.Benchmarks;

/// <summary>OpenBLAS as a baseline: found at run time or not at all. Nothing but benchmarks uses it.</summary>
public sealed unsafe partial class OpenBlas
{
    private const int RowMajor = 101;
    private const int NoTranspose = 111;
    private const int Transpose = 112;

    private const string CoreType = "OPENBLAS_CORETYPE";

    private static readonly string[] Names = ["libopenblas.so.0", "libopenblas.so", "libopenblas.dylib", "libopenblas.dll"];

    private readonly delegate* unmanaged<int, int, int, int, int, int, float, float*, int, float*, int, float, float*, int, void> _sgemm;
    private readonly delegate* unmanaged<int, void> _setThreads;

    private OpenBlas(nint library)
    {
        _sgemm = (delegate* unmanaged<int, int, int, int, int, int, float, float*, int, float*, int, float, float*, int, void>)
            NativeLibrary.GetExport(library, "cblas_sgemm");
        _setThreads = (delegate* unmanaged<int, void>)NativeLibrary.GetExport(library, "openblas_set_num_threads");
        Configuration = NativeLibrary.TryGetExport(library, "openblas_get_config", out nint config)
            ? Marshal.PtrToStringUTF8(((delegate* unmanaged<nint>)config)())?.Trim() ?? "OpenBLAS"
            : "OpenBLAS";
    }

    /// <summary>Version, kernels and threads in OpenBLAS's own words.</summary>
    public string Configuration { get; }

    /// <summary>Loads the library if it is installed.</summary>
    public static OpenBlas? TryLoad()
    {
        ChooseKernels();
        foreach (string name in Names)
        {
            if (NativeLibrary.TryLoad(name, out nint library) && NativeLibrary.TryGetExport(library, "cblas_sgemm", out _))
            {
                return new OpenBlas(library);
            }
        }

        return null;
    }

    /// <summary>Sets the number of threads for the calls that follow.</summary>
    public void SetThreads(int threads) => _setThreads(threads);

    /// <summary><c>C = A·B</c>.</summary>
    public void MatMul(in Matrix a, in Matrix b, in Matrix c) => _sgemm(
        RowMajor, a.IsTransposed ? Transpose : NoTranspose, b.IsTransposed ? Transpose : NoTranspose, c.Rows, c.Columns, a.Columns,
        1f, (float*)a.Data.Address, a.Stride, (float*)b.Data.Address, b.Stride, 0f, (float*)c.Data.Address, c.Stride);

    /// <summary>
    /// The baseline should be as strong as it can be, so OpenBLAS chooses its kernels itself, whatever OPENBLAS_CORETYPE says:
    /// where that variable asks for AVX2 kernels on a processor with AVX-512, it halves the rate. And both sides should use the same
    /// instructions: where the runtime is configured not to use AVX-512 (DOTNET_EnableAVX512=0), OpenBLAS gets its AVX2 kernels. OpenBLAS
    /// reads the process's native environment when it is loaded, which managed code cannot set.
    /// </summary>
    private static void ChooseKernels()
    {
        if (OperatingSystem.IsWindows())
        {
            return;
        }

        if (Vector256.IsHardwareAccelerated && !Vector512.IsHardwareAccelerated)
        {
            _ = Set(CoreType, "Haswell", 1);
        }
        else
        {
            _ = Unset(CoreType);
        }
    }

    [LibraryImport("libc", EntryPoint = "unsetenv", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Unset(string name);

    [LibraryImport("libc", EntryPoint = "setenv", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Set(string name, string value, int overwrite);
}
