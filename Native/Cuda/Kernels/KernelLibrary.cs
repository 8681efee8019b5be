using System.Collections.Concurrent;
using MoEActors.Native.Cuda.Bindings;
using MoEActors.Native.Cuda.Hardware;

namespace MoEActors.Native.Cuda.Kernels;

/// <summary>The kernels of one GPU, loaded when they are first asked for. All devices of the process on that GPU share them.</summary>
internal sealed unsafe class KernelLibrary
{
    /// <summary>Shared memory that a launch may ask for without the function's consent.</summary>
    private const int ModestSharedBytes = 48 << 10;

    private static readonly ConcurrentDictionary<int, KernelLibrary> Libraries = new();

    private readonly CudaGpu _gpu;
    private readonly ConcurrentDictionary<string, Lazy<nint>> _modules = new();
    private readonly ConcurrentDictionary<KernelName, nint> _functions = new();
    private readonly ConcurrentDictionary<KernelName, int> _shared = new();

    private KernelLibrary(CudaGpu gpu) => _gpu = gpu;

    /// <summary>The library of a GPU.</summary>
    public static KernelLibrary Of(CudaGpu gpu) => Libraries.GetOrAdd(gpu.Ordinal, _ => new KernelLibrary(gpu));

    /// <summary>Compiles and loads all families, several at once: for a first start, where each takes a second or so.</summary>
    public void LoadAll() => Parallel.ForEach(KernelSource.Families, family => _ = Module(family));

    /// <summary>The driver's handle of a kernel that may be launched with so much shared memory.</summary>
    public nint Function(KernelName kernel, int sharedBytes)
    {
        nint function = _functions.TryGetValue(kernel, out nint known) ? known : _functions.GetOrAdd(kernel, Find);
        if (sharedBytes > ModestSharedBytes && (!_shared.TryGetValue(kernel, out int allowed) || allowed < sharedBytes))
        {
            CudaStatus.Check(
                Driver.FuncSetAttribute(function, FunctionAttribute.MaxDynamicSharedSizeBytes, sharedBytes),
                $"giving {kernel.Function} {sharedBytes} bytes of shared memory", _gpu.Ordinal);
            _shared[kernel] = sharedBytes;
        }

        return function;
    }

    /// <summary>An attribute of a kernel, such as its registers.</summary>
    public int Attribute(KernelName kernel, FunctionAttribute attribute)
    {
        _gpu.Enter();
        CudaStatus.Check(Driver.FuncGetAttribute(out int value, attribute, Function(kernel, 0)), $"reading {attribute} of {kernel.Function}", _gpu.Ordinal);
        return value;
    }

    private nint Find(KernelName kernel)
    {
        CudaStatus.Check(Driver.ModuleGetFunction(out nint function, Module(kernel.File), kernel.Function), $"looking for the kernel {kernel.Function} in {kernel.File}.cu", _gpu.Ordinal);
        return function;
    }

    private nint Module(string family) => _modules.GetOrAdd(family, name => new Lazy<nint>(() => Load(name))).Value;

    private nint Load(string family)
    {
        byte[] image = KernelCache.Get(_gpu, family);
        _gpu.Enter();
        fixed (byte* from = image)
        {
            CudaStatus.Check(Driver.ModuleLoadData(out nint module, from), $"loading the kernels {family}.cu", _gpu.Ordinal);
            return module;
        }
    }
}
