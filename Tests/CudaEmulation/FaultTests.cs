using MoEActors.Native.Cuda.Bindings;

namespace MoEActors.Tests.CudaEmulation;

/// <summary>Each fault that is planted in a kernel, or in how memory is used, is found, named, and makes the context useless as a real device's is.</summary>
[Collection(CudaCollection.Name)]
public sealed unsafe class FaultTests
{
    private const int Illegal = 700, Misaligned = 716, Failed = 719;

    private const string OneWord = "if (threadIdx.x == 0) y[0] = 1.0f;";

    /// <summary>What is wrong, the kernel's body, and the word for it. x and y have 256 floats each, and there are 2 blocks of 256 threads.</summary>
    public static TheoryData<string, string, int, string> Kernels => new()
    {
        { "a write behind the end", "if (threadIdx.x == 0) y[256] = 1.0f;", Illegal, "behind the end of allocation" },
        { "a read before the beginning", "if (blockIdx.x == 0) y[threadIdx.x] = x[(int)threadIdx.x - 1];", Illegal, "address" },
        { "a double that is not aligned", "if (blockIdx.x == 0) ((double*)(y + 1))[0] = 1.0;", Misaligned, "alignment" },
        { "a double that goes over the end", "if (threadIdx.x == 0 && blockIdx.x == 0) ((long long*)y)[128] = 1;", Illegal, "behind the end" },
        { "a null pointer", "if (threadIdx.x == 0) ((float*)0)[n] = 1.0f;", Illegal, "no device memory is near" },
        { "a pointer of the host", "if (threadIdx.x == 0) y[0] = *(float*)0x7000000000;", Illegal, "no device memory is near" },
        { "16 bytes that are not aligned", "float4 v = *(const float4*)(x + 1); if (blockIdx.x == 0 && threadIdx.x == 0) y[0] = v.x;", Misaligned, "not aligned" },
        { "an index outside of a shared array", "__shared__ float t[4][8]; t[1][n + 8] = x[0]; __syncthreads(); y[0] = t[1][n + 8];", Illegal, "outside of its array" },
        { "more dynamic shared memory than there is", "extern __shared__ float shared[]; shared[threadIdx.x] = x[threadIdx.x]; y[threadIdx.x] = shared[threadIdx.x];", Illegal, "dynamic shared memory" },
        { "a division by zero", "if (threadIdx.x == 0 && blockIdx.x == 0) y[0] = 7 / n;", Failed, "divided by zero" },

        { "threads that write one word", "if (blockIdx.x == 0) y[0] = threadIdx.x;", Failed, "writes a word of global memory" },
        { "threads that write one half of a word", "if (threadIdx.x < 4) ((unsigned short*)y)[2 * blockIdx.x + threadIdx.x / 2] = 1;", Failed, "writes a word of global memory" },
        { "a half that another thread reads", "unsigned short* h = (unsigned short*)y; if (blockIdx.x == 0) { h[threadIdx.x] = 1; if (h[threadIdx.x ^ 1] == 7) y[200] = 1; }", Failed, "word of global memory" },
        { "blocks that write one word", OneWord, Failed, "another block" },
        { "blocks that read what others write", "if (threadIdx.x == 0) { float v = y[1 - blockIdx.x]; y[blockIdx.x] = v; }", Failed, "another block" },
        { "a barrier that is missing after a write", "__shared__ float t[256]; t[threadIdx.x] = x[threadIdx.x]; if (blockIdx.x == 0) y[threadIdx.x] = t[threadIdx.x ^ 32];", Failed, "shared memory" },
        { "a barrier that is missing before a write", "__shared__ float t[256]; t[threadIdx.x] = 1; __syncthreads(); float v = t[threadIdx.x ^ 1]; t[threadIdx.x] = v;", Failed, "shared memory" },
        { "lanes of a warp without a barrier of theirs", "__shared__ float t[256]; t[threadIdx.x] = 1; float v = t[threadIdx.x ^ 1]; if (v < 0) y[threadIdx.x] = v;", Failed, "shared memory" },
        { "an atomic beside a plain read", "if (blockIdx.x == 0) { atomicAdd((int*)y, 1); if (threadIdx.x == 9 && *(int*)y < 0) y[1] = 0; }", Failed, "word of global memory" },

        { "a barrier that some have left", "if (threadIdx.x < 100) __syncthreads();", Failed, "has ended" },
        { "a shuffle of a warp that some have left", "float v = 1; if (threadIdx.x % 32 < 16) v = __shfl_xor_sync(0xffffffff, v, 1); if (v < 0) y[0] = v;", Failed, "__shfl_xor_sync with mask 0xffffffff" },
        { "a shuffle that only some name", "float v = 1; v = threadIdx.x % 2 == 0 ? __shfl_xor_sync(0xffffffff, v, 1) : __shfl_xor_sync(0xaaaaaaaa, v, 2); if (v < 0) y[0] = v;", Failed, "mask" },
        { "a mask without the lane itself", "if (__ballot_sync(1, 1) == 7) y[0] = 1;", Failed, "does not name the lane itself" },
        { "a lane that the mask does not name", "float v = 1; if (threadIdx.x % 32 < 16) v = __shfl_sync(0x0000ffff, v, 20); if (v < 0) y[0] = v;", Failed, "does not name" },
        { "a shuffle and a barrier", "float v = 1; if (threadIdx.x == 0) __syncthreads(); else v = __shfl_xor_sync(0xffffffff, v, 1); __syncthreads(); if (v < 0) y[0] = v;", Failed, "warp" },
    };

    [Theory]
    [MemberData(nameof(Kernels))]
    public void A_fault_of_a_kernel_is_found(string fault, string body, int error, string words)
    {
        using var gpu = new EmulatedGpu();
        nint x = gpu.Upload(new float[256]), y = gpu.Upload(new float[256]);
        CudaResult result = gpu.Run(body, blocks: 2, threads: 256, x, y);
        Assert.True(error == (int)result, $"{fault} gave {result}: {EmulatedCuda.Log}");
        Assert.Contains(words, EmulatedCuda.Log, StringComparison.Ordinal);
        Assert.Contains("kernel", EmulatedCuda.Log, StringComparison.Ordinal);
    }

    /// <summary>What looks like a fault and is none.</summary>
    public static TheoryData<string> Sound =>
    [
        "if (threadIdx.x < 128) y[blockIdx.x * 128 + threadIdx.x] = 1;",
        "__shared__ float t[256]; t[threadIdx.x] = x[threadIdx.x]; __syncthreads(); float v = t[threadIdx.x ^ 32]; __syncthreads(); t[threadIdx.x] = v;",
        "__shared__ float t[256]; t[threadIdx.x] = 1; __syncwarp(); float v = t[threadIdx.x ^ 1]; __syncwarp(); t[threadIdx.x] = v;",
        "atomicAdd((int*)y, 1);",
        "float v = x[0]; if (v < 0 && threadIdx.x == 0) y[0] = v;",
        "float v = 1; if (threadIdx.x % 32 < 16) v = __shfl_xor_sync(0x0000ffff, v, 8); else v = __shfl_xor_sync(0xffff0000, v, 8); if (v < 0) y[0] = v;",
        "if (threadIdx.x >= 100) return; for (int i = 0; i < 3; i++) if (x[i] < 0) y[0] = 1;",
        "((unsigned char*)y)[blockIdx.x * 256 + threadIdx.x] = 1;",
        "((unsigned short*)y)[2 * threadIdx.x % 512 + blockIdx.x] += 1;",
        "unsigned short* h = (unsigned short*)y + 2 * (threadIdx.x % 128) + 256 * blockIdx.x; if (threadIdx.x < 128) { h[0] += 1; h[1] += h[0]; }",
        "if (__syncthreads_count(threadIdx.x < 7) != 7 || __syncthreads_or(threadIdx.x == 3) == 0 || __syncthreads_and(threadIdx.x == 3) != 0) y[1000] = 1;",
    ];

    [Theory]
    [MemberData(nameof(Sound))]
    public void What_is_no_fault_passes_under_every_seed(string body)
    {
        using var gpu = new EmulatedGpu();
        nint x = gpu.Upload(new float[256]), y = gpu.Upload(new float[256]);
        for (ulong seed = 0; seed < 6; seed++)
        {
            EmulatedCuda.Seed(seed);
            Assert.True(gpu.Run(body, blocks: 2, threads: 256, x, y) == CudaResult.Success, EmulatedCuda.Log);
        }

        Assert.Equal("", EmulatedCuda.Log);
    }

    [Fact]
    public void Without_the_search_for_races_they_pass_and_addresses_are_checked_still()
    {
        using var gpu = new EmulatedGpu();
        nint x = gpu.Upload(new float[256]), y = gpu.Upload(new float[256]);
        EmulatedCuda.SeekRaces(false);
        try
        {
            Assert.Equal(CudaResult.Success, gpu.Run(OneWord, 2, 256, x, y));
            Assert.Equal(CudaResult.IllegalAddress, gpu.Run("if (threadIdx.x == 0) y[256] = 1.0f;", 2, 256, x, y));
        }
        finally
        {
            EmulatedCuda.SeekRaces(true);
        }
    }

    [Fact]
    public void After_an_illegal_address_every_call_says_so_until_the_context_is_gone()
    {
        using (var gpu = new EmulatedGpu())
        {
            nint x = gpu.Upload(1f), later = EmulatedGpu.NewEvent();
            Assert.Equal(CudaResult.IllegalAddress, gpu.Run("y[1] = 1.0f;", 1, 1, x, x));
            Assert.Equal(CudaResult.IllegalAddress, Driver.MemAllocAsync(out _, 4, gpu.Stream));
            Assert.Equal(CudaResult.IllegalAddress, Driver.MemFreeAsync(x, gpu.Stream));
            Assert.Equal(CudaResult.IllegalAddress, Driver.StreamSynchronize(gpu.Stream));
            Assert.Equal(CudaResult.IllegalAddress, Driver.StreamQuery(gpu.Stream));
            Assert.Equal(CudaResult.IllegalAddress, Driver.EventRecord(later, gpu.Stream));
            Assert.Equal(CudaResult.IllegalAddress, Driver.StreamCreate(out _, DriverFlags.StreamNonBlocking));
            Assert.Equal(CudaResult.IllegalAddress, Driver.MemsetD8Async(x, 0, 4, gpu.Stream));
        }

        using var again = new EmulatedGpu();
        Assert.Equal([3f], again.Download(again.Upload(3f), 1));
    }

    [Fact]
    public void What_was_queued_behind_a_fault_is_not_done()
    {
        using var gpu = new EmulatedGpu();
        float* pinned = EmulatedGpu.Pinned(1);
        *pinned = 5f;
        nint x = gpu.Upload(1f);
        nint function = EmulatedGpu.Load("extern \"C\" __global__ void kernel(float* x, float* y, int n) { y[n] = 1.0f; }", out _);
        EmulatedGpu.Check(gpu.Launch(function, 1, 1, x, x, 1));
        EmulatedGpu.Check(Driver.MemcpyDtoHAsync(pinned, x, 4, gpu.Stream));
        Assert.Equal(CudaResult.IllegalAddress, Driver.StreamSynchronize(gpu.Stream));
        Assert.Equal(5f, *pinned);
    }

    [Fact]
    public void Memory_may_not_be_used_after_it_was_freed_or_before_it_is_there()
    {
        using (var gpu = new EmulatedGpu())
        {
            nint x = gpu.Upload(1f), y = gpu.Upload(1f);
            EmulatedGpu.Check(Driver.MemFreeAsync(x, gpu.Stream));
            Assert.Equal(CudaResult.IllegalAddress, gpu.Run("y[0] = x[0];", 1, 1, x, y));
            Assert.Contains("(freed)", EmulatedCuda.Log, StringComparison.Ordinal);
        }

        using (var gpu = new EmulatedGpu())
        {
            nint x = gpu.Upload(1f), y = gpu.Upload(1f);
            EmulatedGpu.Check(Driver.MemFreeAsync(x, gpu.Stream));
            EmulatedGpu.Check(Driver.MemcpyDtoDAsync(y, x, 4, gpu.Stream));
            Assert.Equal(CudaResult.IllegalAddress, Driver.StreamSynchronize(gpu.Stream));
        }

        using (var gpu = new EmulatedGpu())
        {
            // Allocated in the order of one stream, used in another's.
            nint other = EmulatedGpu.OpenStream(), x = gpu.Allocate(4);
            EmulatedGpu.Check(Driver.MemsetD8Async(x, 0, 4, other));
            Assert.Equal(CudaResult.IllegalAddress, Driver.StreamSynchronize(other));
            Assert.Contains("not yet allocated", EmulatedCuda.Log, StringComparison.Ordinal);
        }

        using (var gpu = new EmulatedGpu())
        {
            nint x = gpu.Upload(1f);
            EmulatedGpu.Check(Driver.MemFreeAsync(x, gpu.Stream));
            Assert.Equal(CudaResult.InvalidValue, Driver.MemFreeAsync(x, gpu.Stream));
        }
    }

    [Fact]
    public void Copies_and_fills_stay_within_their_memory()
    {
        CudaResult After(Func<EmulatedGpu, nint, CudaResult> queue)
        {
            using var gpu = new EmulatedGpu();
            nint x = gpu.Upload(1f, 2f, 3f, 4f);
            EmulatedGpu.Check(queue(gpu, x));
            return Driver.StreamSynchronize(gpu.Stream);
        }

        Assert.Equal(CudaResult.Success, After((gpu, x) => Driver.MemsetD32Async(x, 0, 4, gpu.Stream)));
        Assert.Equal(CudaResult.IllegalAddress, After((gpu, x) => Driver.MemsetD32Async(x, 0, 5, gpu.Stream)));
        Assert.Equal(CudaResult.IllegalAddress, After((gpu, x) => Driver.MemsetD8Async(x + 1, 0, 16, gpu.Stream)));
        Assert.Equal(CudaResult.Success, After((gpu, x) => Driver.MemcpyDtoDAsync(x, x + 8, 8, gpu.Stream)));
        Assert.Equal(CudaResult.IllegalAddress, After((gpu, x) => Driver.MemcpyDtoDAsync(x, x + 8, 12, gpu.Stream)));
        Assert.Equal(Failed, (int)After((gpu, x) => Driver.MemcpyDtoDAsync(x, x + 4, 8, gpu.Stream)));
        Assert.Equal(CudaResult.IllegalAddress, After((gpu, x) => Driver.MemcpyHtoDAsync(x + 4, EmulatedGpu.Pinned(4), 16, gpu.Stream)));
    }

    [Fact]
    public void A_write_from_one_declared_part_of_an_arena_into_the_next_is_found()
    {
        const string body = "y[n] = 1.0f;";
        (int N, CudaResult Result)[] cases =
        [
            (15, CudaResult.Success), // the last of its part
            (16, CudaResult.IllegalAddress), // in the gap
            (32, CudaResult.IllegalAddress), // in the next part
            (-1, CudaResult.IllegalAddress),
        ];
        foreach ((int n, CudaResult result) in cases)
        {
            using var gpu = new EmulatedGpu();
            nint arena = gpu.Allocate(4096);
            EmulatedCuda.Declare(arena + 64, 64);
            EmulatedCuda.Declare(arena + 192, 64);
            Assert.True(result == gpu.Run(body, 1, 1, arena + 64, arena + 64, n), $"{n}: {EmulatedCuda.Log}");
        }

        using (var gpu = new EmulatedGpu())
        {
            // Given a pointer into both, a kernel may write both; and what is no longer declared is free again.
            nint arena = gpu.Allocate(4096);
            EmulatedCuda.Declare(arena, 64);
            EmulatedCuda.Declare(arena + 64, 64);
            EmulatedGpu.Check(gpu.Run(body, 1, 1, arena, arena + 64));
            EmulatedCuda.Forget(arena);
            EmulatedCuda.Forget(arena + 64);
            EmulatedGpu.Check(gpu.Run(body, 1, 1, arena, arena, 100));
        }
    }

    [Fact]
    public void What_is_still_there_at_the_end_is_counted()
    {
        using var gpu = new EmulatedGpu();
        Held[] all = Enum.GetValues<Held>();
        int[] Counts() => [.. all.Select(EmulatedGpu.Count)];
        int[] before = Counts();
        nint x = gpu.Allocate(4), stream = EmulatedGpu.OpenStream(), made = EmulatedGpu.NewEvent();
        float* pinned = EmulatedGpu.Pinned(1);
        _ = EmulatedGpu.Load("extern \"C\" __global__ void kernel(int n) {}", out nint module);
        Assert.Equal([.. before.Select(count => count + 1)], Counts());
        EmulatedGpu.Check(Driver.MemFreeAsync(x, gpu.Stream));
        EmulatedGpu.Check(Driver.StreamDestroy(stream));
        EmulatedGpu.Check(Driver.EventDestroy(made));
        EmulatedGpu.Check(Driver.MemFreeHost((nint)pinned));
        EmulatedGpu.Check(Driver.ModuleUnload(module));
        Assert.Equal(before, Counts());
        Assert.NotEqual(CudaResult.Success, Driver.StreamDestroy(stream));
        Assert.NotEqual(CudaResult.Success, Driver.EventDestroy(made));
        Assert.NotEqual(CudaResult.Success, Driver.ModuleUnload(module));
    }
}
