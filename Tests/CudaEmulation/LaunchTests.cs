using MoEActors.Native.Cuda.Bindings;

namespace MoEActors.Tests.CudaEmulation;

/// <summary>Kernels are compiled, found and started under the rules of the real driver and compiler.</summary>
[Collection(CudaCollection.Name)]
public sealed unsafe class LaunchTests
{
    private const string Nothing = "extern \"C\" __global__ void __launch_bounds__(256) kernel(float* x, float* y, int n) {}";

    [Theory]
    [InlineData(1, 256, 0, 0)]
    [InlineData(70_000, 1, 0, 0)]
    [InlineData(0, 256, 0, 1)]
    [InlineData(1, 0, 0, 1)]
    [InlineData(1, 257, 0, 1)] // launch bounds
    [InlineData(1, 2048, 0, 1)]
    [InlineData(1, 32, 48 << 10, 0)]
    [InlineData(1, 32, (48 << 10) + 1, 1)]
    public void A_launch_has_limits(uint blocks, uint threads, uint sharedBytes, int result)
    {
        using var gpu = new EmulatedGpu();
        nint function = EmulatedGpu.Load(Nothing, out _);
        Assert.Equal(result, (int)gpu.Launch(function, blocks, threads, 0, 0, 0, sharedBytes));
        gpu.Synchronize();
    }

    [Fact]
    public void Shared_memory_grows_where_the_kernel_was_told_so()
    {
        using var gpu = new EmulatedGpu();
        nint function = EmulatedGpu.Load(Nothing, out _);
        EmulatedGpu.Check(Driver.FuncSetAttribute(function, FunctionAttribute.MaxDynamicSharedSizeBytes, 227 << 10));
        Assert.Equal(CudaResult.InvalidValue, Driver.FuncSetAttribute(function, FunctionAttribute.MaxDynamicSharedSizeBytes, (227 << 10) + 1));
        EmulatedGpu.Check(gpu.Launch(function, 1, 32, 0, 0, 0, 227 << 10));
        Assert.Equal(CudaResult.InvalidValue, gpu.Launch(function, 1, 32, 0, 0, 0, (227 << 10) + 1));
        gpu.Synchronize();
    }

    [Fact]
    public void Static_and_dynamic_shared_memory_count_together()
    {
        using var gpu = new EmulatedGpu();
        nint y = gpu.Upload(0f);
        nint function = EmulatedGpu.Load(
            "extern \"C\" __global__ void kernel(float* x, float* y, int n) { __shared__ float t[1024]; t[threadIdx.x] = 1; __syncthreads(); if (threadIdx.x == 0) y[0] = t[3]; }",
            out _);
        EmulatedGpu.Check(gpu.Launch(function, 1, 32, 0, y, 0, 44 << 10));
        gpu.Synchronize();
        EmulatedGpu.Check(gpu.Launch(function, 1, 32, 0, y, 0, (44 << 10) + 4));
        Assert.NotEqual(CudaResult.Success, Driver.StreamSynchronize(gpu.Stream));
        Assert.Contains("shared memory", EmulatedCuda.Log, StringComparison.Ordinal);
    }

    [Fact]
    public void Threads_know_where_they_are_and_add_up()
    {
        using var gpu = new EmulatedGpu();
        float[] values = [.. Enumerable.Range(0, 1000).Select(i => (float)i)];
        nint x = gpu.Upload(values), y = gpu.Upload(new float[1000]);
        const string sum = """
            __shared__ float parts[8];
            float v = 0;
            for (int i = threadIdx.x; i < n; i += blockDim.x) v += x[i];
            for (int lanes = 16; lanes > 0; lanes /= 2) v += __shfl_xor_sync(0xffffffff, v, lanes);
            if (threadIdx.x % 32 == 0) parts[threadIdx.x / 32] = v;
            __syncthreads();
            if (threadIdx.x == 0) { float all = 0; for (int w = 0; w < blockDim.x / 32; w++) all += parts[w]; y[blockIdx.x] = all + gridDim.x; }
            """;
        EmulatedGpu.Check(gpu.Run(sum, 3, 256, x, y, 1000));
        Assert.Equal([499503f, 499503f, 499503f, 0f], gpu.Download(y, 4));
        EmulatedGpu.Check(gpu.Run("int i = blockIdx.x * blockDim.x + threadIdx.x; if (i < n) y[i] = 2.0f * x[i];", 4, 256, x, y, 1000));
        Assert.Equal(values.Select(v => 2f * v), gpu.Download(y, 1000));
    }

    /// <summary>Each writes into y[lane] what a lane of one warp gets.</summary>
    [Theory]
    [InlineData("__shfl_sync(0xffffffff, lane, 5)", 5, 5, 5)]
    [InlineData("__shfl_sync(0xffffffff, lane, 5, 8)", 5, 13, 29)]
    [InlineData("__shfl_up_sync(0xffffffff, lane, 2)", 0, 7, 29)]
    [InlineData("__shfl_down_sync(0xffffffff, lane, 2)", 2, 11, 31)]
    [InlineData("__shfl_down_sync(0xffffffff, lane, 2, 4)", 2, 11, 31)]
    [InlineData("__shfl_xor_sync(0xffffffff, lane, 3)", 3, 10, 28)]
    [InlineData("__popc(__ballot_sync(0xffffffff, lane % 3 == 0))", 11, 11, 11)]
    [InlineData("(int)__shfl_xor_sync(0xffffffff, (unsigned long long)lane << 40, 1) + (int)(__shfl_xor_sync(0xffffffff, (double)lane, 1) * 2)", 2, 16, 60)]
    public void Lanes_of_a_warp_exchange(string expression, float first, float tenth, float last)
    {
        using var gpu = new EmulatedGpu();
        nint y = gpu.Upload(new float[32]);
        EmulatedGpu.Check(gpu.Run($"int lane = threadIdx.x; y[lane] = {expression};", 1, 32, 0, y));
        float[] found = gpu.Download(y, 32);
        Assert.Equal([first, tenth, last], [found[0], found[9], found[31]]);
    }

    [Fact]
    public void Memory_and_shared_memory_begin_as_poison()
    {
        using var gpu = new EmulatedGpu();
        nint x = gpu.Allocate(16), y = gpu.Upload(new float[256]);
        Assert.All(gpu.Download(x, 4), value => Assert.True(float.IsNaN(value)));
        EmulatedGpu.Check(gpu.Run("__shared__ float t[64]; y[blockIdx.x * 64 + threadIdx.x] = t[threadIdx.x]; t[threadIdx.x] = 1;", 4, 64, x, y));
        Assert.All(gpu.Download(y, 256), value => Assert.True(float.IsNaN(value)));
    }

    [Fact]
    public void The_parameters_are_those_of_the_call()
    {
        using var gpu = new EmulatedGpu();
        nint y = gpu.Upload(0f);
        nint function = EmulatedGpu.Load("struct P { float* y; double d; int n; }; extern \"C\" __global__ void kernel(const P p) { p.y[0] = p.d + p.n; }", out _);
        var parameters = (Y: y, D: 2.5, N: 4);
        void* pointer = &parameters;
        EmulatedGpu.Check(Driver.LaunchKernel(function, 1, 1, 1, 1, 1, 1, 0, gpu.Stream, &pointer, null));
        parameters.N = 100;
        Assert.Equal([6.5f], gpu.Download(y, 1));
        Assert.Equal(CudaResult.InvalidValue, Driver.LaunchKernel(function, 1, 1, 1, 1, 1, 1, 0, gpu.Stream, null, null));
    }

    [Fact]
    public void What_does_not_compile_says_why_and_where()
    {
        EmulatedCuda.Require();
        CudaLibraries.Register();
        (byte[]? image, string log) = EmulatedGpu.Compile("\n\nextern \"C\" __global__ void kernel(int n) { nothing = n; }\n", "--gpu-architecture=sm_90");
        Assert.Null(image);
        Assert.Contains("test.cu:3", log, StringComparison.Ordinal);
        Assert.Contains("nothing", log, StringComparison.Ordinal);
        Assert.Null(EmulatedGpu.Compile("#include <cstdio>\n", "--gpu-architecture=sm_90").Image);
        Assert.Null(EmulatedGpu.Compile("extern \"C\" __global__ void kernel(float* x) { atomicAdd(x, 1.0f); }", "--gpu-architecture=sm_90").Image);
    }

    [Theory]
    [InlineData("--gpu-architecture=sm_90", true)]
    [InlineData("-arch=sm_80", true)]
    [InlineData("--fmad=false", true)]
    [InlineData("-DVALUE=3", true)]
    [InlineData("--std=c++20", true)]
    [InlineData("-lineinfo", true)]
    [InlineData("--gpu-architecture=sm_5", false)]
    [InlineData("--fast", false)]
    [InlineData("-O3", false)]
    public void The_compiler_knows_its_options(string option, bool known)
    {
        EmulatedCuda.Require();
        CudaLibraries.Register();
        (byte[]? image, string log) = EmulatedGpu.Compile(Nothing, "--gpu-architecture=sm_90", option);
        Assert.True(image is not null == known, log);
        Assert.True(known || log.Contains(option, StringComparison.Ordinal), log);
    }

    [Fact]
    public void An_image_and_a_name_must_be_right()
    {
        using var gpu = new EmulatedGpu();
        byte[] junk = new byte[64];
        fixed (byte* bytes = junk)
        {
            Assert.Equal(200, (int)Driver.ModuleLoadData(out _, bytes));
        }

        (string Architecture, int Result)[] images = [("sm_90", 0), ("sm_80", 209), ("sm_100", 209)];
        foreach ((string architecture, int result) in images)
        {
            fixed (byte* bytes = EmulatedGpu.Compile(Nothing, $"--gpu-architecture={architecture}").Image)
            {
                Assert.Equal(result, (int)Driver.ModuleLoadData(out _, bytes));
            }
        }

        nint function = EmulatedGpu.Load(Nothing, out nint module);
        Assert.Equal(500, (int)Driver.ModuleGetFunction(out _, module, "other"));
        EmulatedGpu.Check(Driver.ModuleUnload(module));
        Assert.NotEqual(CudaResult.Success, gpu.Launch(function, 1, 1, 0, 0));
    }

    [Fact]
    public void The_host_may_not_touch_memory_of_the_device()
    {
        Assert.SkipUnless(File.ReadAllText("/proc/cpuinfo").Contains(" ospke", StringComparison.Ordinal), "This processor has no protection keys.");
        using var gpu = new EmulatedGpu();
        nint x = gpu.Upload(1f);
        float* pinned = EmulatedGpu.Pinned(1);
        string path = Path.GetTempFileName();
        using (Microsoft.Win32.SafeHandles.SafeFileHandle file = File.OpenHandle(path, FileMode.Create, FileAccess.Write))
        {
            // The system reads for the thread, and says no instead of ending the process.
            RandomAccess.Write(file, new ReadOnlySpan<byte>(pinned, 4), 0);
            Assert.ThrowsAny<Exception>(() => RandomAccess.Write(file, new ReadOnlySpan<byte>((void*)x, 4), 0));
        }

        File.Delete(path);
    }

    [Fact]
    public void Memory_ends()
    {
        using var gpu = new EmulatedGpu();
        EmulatedGpu.Check(Driver.MemGetInfo(out nuint free, out nuint total));
        Assert.InRange((long)free, 1, (long)total);
        Assert.Equal(CudaResult.OutOfMemory, Driver.MemAllocAsync(out _, free + 1, gpu.Stream));
        nint x = gpu.Allocate(1 << 20);
        EmulatedGpu.Check(Driver.MemGetInfo(out nuint less, out _));
        Assert.Equal((nuint)(1 << 20), free - less);
        EmulatedGpu.Check(Driver.MemFreeAsync(x, gpu.Stream));
        gpu.Synchronize();
        EmulatedGpu.Check(Driver.MemGetInfo(out nuint again, out _));
        Assert.Equal(free, again);
    }
}
