using System.Runtime.InteropServices;
using System.Text;
using MoEActors.Native.Cuda.Bindings;
using MoEActors.Native.Cuda.Hardware;

namespace MoEActors.Native.Cuda.Kernels;

/// <summary>Compiles a text to machine code for a GPU, by NVRTC.</summary>
internal static unsafe class KernelCompiler
{
    /// <summary>
    /// Multiplications and additions may be contracted, as on the CPU, and nothing else that changes results: no fast mathematics. Functions without a word
    /// about where they run, lambdas above all, run on the device.
    /// </summary>
    public static string[] OptionsFor(CudaGpu gpu) => [$"--gpu-architecture={gpu.Architecture}", "--std=c++17", "--fmad=true", "-default-device"];

    /// <summary>The compiler's version.</summary>
    public static string Version
    {
        get
        {
            CudaStatus.Check(Nvrtc.Version(out int major, out int minor), "reading the version of NVRTC", -1);
            return $"{major}.{minor}";
        }
    }

    /// <summary>Compiles.</summary>
    /// <param name="gpu">For whom.</param>
    /// <param name="name">What messages call the text.</param>
    /// <param name="source">The text.</param>
    /// <returns>A cubin.</returns>
    /// <exception cref="CudaException">The text is not accepted; the message has the compiler's own.</exception>
    public static byte[] Compile(CudaGpu gpu, string name, string source)
    {
        CudaStatus.Check(Nvrtc.CreateProgram(out nint program, source, name, 0, null, null), $"preparing to compile {name}", gpu.Ordinal);
        try
        {
            NvrtcResult result = CompileProgram(program, OptionsFor(gpu));
            if (result == NvrtcResult.Compilation)
            {
                throw new CudaException(gpu.Ordinal, $"The kernels {name} do not compile for cuda:{gpu.Ordinal} ({gpu.Architecture}) with NVRTC {Version}: {Log(program, gpu)}", nameof(NvrtcResult.Compilation));
            }

            CudaStatus.Check(result, $"compiling {name} for {gpu.Architecture} with NVRTC {Version}", gpu.Ordinal);
            CudaStatus.Check(Nvrtc.GetCubinSize(program, out nuint bytes), $"reading the code of {name}", gpu.Ordinal);
            byte[] image = new byte[(int)bytes];
            fixed (byte* to = image)
            {
                CudaStatus.Check(Nvrtc.GetCubin(program, to), $"reading the code of {name}", gpu.Ordinal);
            }

            return image;
        }
        finally
        {
            _ = Nvrtc.DestroyProgram(ref program);
        }
    }

    private static NvrtcResult CompileProgram(nint program, string[] options)
    {
        byte** texts = stackalloc byte*[options.Length];
        try
        {
            for (int i = 0; i < options.Length; i++)
            {
                texts[i] = (byte*)Marshal.StringToCoTaskMemUTF8(options[i]);
            }

            return Nvrtc.CompileProgram(program, options.Length, texts);
        }
        finally
        {
            for (int i = 0; i < options.Length; i++)
            {
                Marshal.FreeCoTaskMem((nint)texts[i]);
            }
        }
    }

    private static string Log(nint program, CudaGpu gpu)
    {
        CudaStatus.Check(Nvrtc.GetProgramLogSize(program, out nuint bytes), "reading what the compiler says", gpu.Ordinal);
        byte[] log = new byte[(int)bytes];
        fixed (byte* to = log)
        {
            CudaStatus.Check(Nvrtc.GetProgramLog(program, to), "reading what the compiler says", gpu.Ordinal);
        }

        return Encoding.UTF8.GetString(log).TrimEnd('\0', '\n');
    }
}
