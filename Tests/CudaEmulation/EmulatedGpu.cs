using System.Runtime.InteropServices;
using System.Text;
using MoEActors.Native.Cuda.Bindings;

namespace MoEActors.Tests.CudaEmulation;

/// <summary>
/// A device of the emulation to do wrong on, driven by the driver's own functions: its context lives as long as the test, and with it goes whatever error there was.
/// The thread's context is put back at the end.
/// </summary>
internal sealed unsafe class EmulatedGpu : IDisposable
{
    private readonly nint _before;
    private readonly int _device;

    public EmulatedGpu(int device = EmulatedCuda.FaultyDevice)
    {
        _device = device;
        EmulatedCuda.Require();
        CudaLibraries.Register();
        Check(Driver.Init(0));
        Check(Driver.CtxGetCurrent(out _before));
        Check(Driver.DevicePrimaryCtxRetain(out nint context, device));
        Check(Driver.CtxSetCurrent(context));
        Stream = OpenStream();
        EmulatedCuda.ClearLog();
        EmulatedCuda.Seed(1);
    }

    public nint Stream { get; }

    public static void Check(CudaResult result) => Assert.Equal(CudaResult.Success, result);

    public static int Count(Held what) => EmulatedCuda.Count(what, EmulatedCuda.FaultyDevice);

    public static nint OpenStream()
    {
        Check(Driver.StreamCreate(out nint stream, DriverFlags.StreamNonBlocking));
        return stream;
    }

    public static nint NewEvent(uint flags = DriverFlags.EventUntimed)
    {
        Check(Driver.EventCreate(out nint made, flags));
        return made;
    }

    public nint Allocate(long bytes)
    {
        Check(Driver.MemAllocAsync(out nint address, (nuint)bytes, Stream));
        return address;
    }

    /// <summary>Floats on the device, there before anything else goes on.</summary>
    public nint Upload(params float[] values)
    {
        nint address = Allocate(values.Length * sizeof(float));
        fixed (float* from = values)
        {
            Check(Driver.MemcpyHtoDAsync(address, from, (nuint)(values.Length * sizeof(float)), Stream));
        }

        Synchronize();
        return address;
    }

    public float[] Download(nint address, int count)
    {
        float[] values = new float[count];
        fixed (float* to = values)
        {
            Check(Driver.MemcpyDtoHAsync(to, address, (nuint)(count * sizeof(float)), Stream));
        }

        return values;
    }

    /// <summary>Page-locked memory of so many floats.</summary>
    public static float* Pinned(int count)
    {
        Check(Driver.MemHostAlloc(out nint memory, (nuint)(count * sizeof(float)), 0));
        return (float*)memory;
    }

    public void Synchronize() => Check(Driver.StreamSynchronize(Stream));

    /// <summary>Compiles a kernel and finds it; without an image, the log says why.</summary>
    public static (byte[]? Image, string Log) Compile(string source, params string[] options)
    {
        Assert.Equal(NvrtcResult.Success, Nvrtc.CreateProgram(out nint program, source, "test.cu", 0, null, null));
        byte** texts = stackalloc byte*[options.Length];
        for (int i = 0; i < options.Length; i++)
        {
            texts[i] = (byte*)Marshal.StringToCoTaskMemUTF8(options[i]);
        }

        NvrtcResult result = Nvrtc.CompileProgram(program, options.Length, texts);
        for (int i = 0; i < options.Length; i++)
        {
            Marshal.FreeCoTaskMem((nint)texts[i]);
        }

        Assert.Equal(NvrtcResult.Success, Nvrtc.GetProgramLogSize(program, out nuint length));
        byte[] log = new byte[(int)length];
        fixed (byte* to = log)
        {
            Assert.Equal(NvrtcResult.Success, Nvrtc.GetProgramLog(program, to));
        }

        byte[]? image = null;
        if (result == NvrtcResult.Success)
        {
            Assert.Equal(NvrtcResult.Success, Nvrtc.GetCubinSize(program, out nuint bytes));
            image = new byte[(int)bytes];
            fixed (byte* to = image)
            {
                Assert.Equal(NvrtcResult.Success, Nvrtc.GetCubin(program, to));
            }
        }

        Assert.Equal(NvrtcResult.Success, Nvrtc.DestroyProgram(ref program));
        return (image, Encoding.UTF8.GetString(log).TrimEnd('\0'));
    }

    public static nint Load(string source, out nint module)
    {
        (byte[]? image, string log) = Compile(source, "--gpu-architecture=sm_90", "--fmad=true", "-default-device");
        Assert.True(image is not null, log);
        fixed (byte* bytes = image)
        {
            Check(Driver.ModuleLoadData(out module, bytes));
        }

        Check(Driver.ModuleGetFunction(out nint function, module, "kernel"));
        return function;
    }

    /// <summary>Starts a kernel of two pointers and a number.</summary>
    public CudaResult Launch(nint function, uint blocks, uint threads, nint x, nint y, int n = 0, uint sharedBytes = 0, nint? stream = null)
    {
        void** parameters = stackalloc void*[] { &x, &y, &n };
        return Driver.LaunchKernel(function, blocks, 1, 1, threads, 1, 1, sharedBytes, stream ?? Stream, parameters, null);
    }

    /// <summary>Runs a kernel `kernel(float* x, float* y, int n)` of this body to its end.</summary>
    public CudaResult Run(string body, uint blocks, uint threads, nint x, nint y, int n = 0, uint sharedBytes = 0)
    {
        nint function = Load($"extern \"C\" __global__ void __launch_bounds__(256) kernel(float* x, float* y, int n)\n{{\n{body}\n}}\n", out _);
        CudaResult started = Launch(function, blocks, threads, x, y, n, sharedBytes);
        return started == CudaResult.Success ? Driver.StreamSynchronize(Stream) : started;
    }

    public void Dispose()
    {
        Check(Driver.DevicePrimaryCtxRelease(_device));
        Check(Driver.CtxSetCurrent(_before));
    }
}
