using System.Runtime.InteropServices;

namespace MoEActors.Native.Cuda.Bindings;

/// <summary>The functions of NVRTC, the compiler of CUDA C++ at run time, that this project calls.</summary>
internal static unsafe partial class Nvrtc
{
    /// <summary>Name under which <see cref="CudaLibraries"/> finds the library.</summary>
    public const string Library = "nvrtc";

    [LibraryImport(Library, EntryPoint = "nvrtcVersion")]
    public static partial NvrtcResult Version(out int major, out int minor);

    [LibraryImport(Library, EntryPoint = "nvrtcCreateProgram", StringMarshalling = StringMarshalling.Utf8)]
    public static partial NvrtcResult CreateProgram(out nint program, string source, string name, int headers, byte** headerTexts, byte** headerNames);

    [LibraryImport(Library, EntryPoint = "nvrtcCompileProgram")]
    public static partial NvrtcResult CompileProgram(nint program, int count, byte** options);

    [LibraryImport(Library, EntryPoint = "nvrtcDestroyProgram")]
    public static partial NvrtcResult DestroyProgram(ref nint program);

    [LibraryImport(Library, EntryPoint = "nvrtcGetCUBINSize")]
    public static partial NvrtcResult GetCubinSize(nint program, out nuint bytes);

    [LibraryImport(Library, EntryPoint = "nvrtcGetCUBIN")]
    public static partial NvrtcResult GetCubin(nint program, byte* image);

    [LibraryImport(Library, EntryPoint = "nvrtcGetProgramLogSize")]
    public static partial NvrtcResult GetProgramLogSize(nint program, out nuint bytes);

    [LibraryImport(Library, EntryPoint = "nvrtcGetProgramLog")]
    public static partial NvrtcResult GetProgramLog(nint program, byte* log);

    [LibraryImport(Library, EntryPoint = "nvrtcGetErrorString")]
    public static partial nint GetErrorString(NvrtcResult result);
}

/// <summary><c>nvrtcResult</c>.</summary>
internal enum NvrtcResult
{
    Success = 0,
    Compilation = 6,
}
