using System.Runtime.InteropServices;
using MoEActors.Native.Cuda.Bindings;

namespace MoEActors.Tests.CudaEmulation;

/// <summary>The emulated streams do work late, and only what they are told to wait for comes first.</summary>
[Collection(CudaCollection.Name)]
public sealed unsafe class StreamTests
{
    private static readonly List<string> Calls = [];
    private static CudaResult CallFromHost;

    [Fact]
    public void Work_waits_until_somebody_waits_for_it()
    {
        using var gpu = new EmulatedGpu();
        float* pinned = EmulatedGpu.Pinned(2);
        nint x = gpu.Upload(1f, 2f);
        pinned[0] = 0f;
        EmulatedGpu.Check(Driver.MemcpyDtoHAsync(pinned, x, 8, gpu.Stream));
        Assert.Equal(0f, pinned[0]);
        gpu.Synchronize();
        Assert.Equal(1f, pinned[0]);
    }

    [Fact]
    public void A_copy_from_pinned_memory_reads_it_at_its_turn_and_one_from_other_memory_at_the_call()
    {
        using var gpu = new EmulatedGpu();
        nint x = gpu.Upload(0f, 0f);
        float* pinned = EmulatedGpu.Pinned(1);
        float pageable = 1f;
        *pinned = 1f;
        EmulatedGpu.Check(Driver.MemcpyHtoDAsync(x, pinned, 4, gpu.Stream));
        EmulatedGpu.Check(Driver.MemcpyHtoDAsync(x + 4, &pageable, 4, gpu.Stream));
        *pinned = 2f;
        pageable = 2f;
        gpu.Synchronize();
        Assert.Equal([2f, 1f], gpu.Download(x, 2));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_wait_for_an_event_that_is_missing_shows_as_wrong_numbers(bool waits)
    {
        using var gpu = new EmulatedGpu();
        nint other = EmulatedGpu.OpenStream();
        nint done = EmulatedGpu.NewEvent();
        nint x = gpu.Upload(1f);
        nint y = gpu.Upload(0f);
        int wrong = 0;
        for (int round = 0; round < 16; round++)
        {
            // One stream writes x, the other takes it over.
            EmulatedGpu.Check(Driver.MemsetD32Async(x, (uint)round, 1, gpu.Stream));
            EmulatedGpu.Check(Driver.EventRecord(done, gpu.Stream));
            if (waits)
            {
                EmulatedGpu.Check(Driver.StreamWaitEvent(other, done, 0));
            }

            EmulatedGpu.Check(Driver.MemcpyDtoDAsync(y, x, 4, other));
            EmulatedGpu.Check(Driver.StreamSynchronize(other));
            uint found = BitConverter.SingleToUInt32Bits(gpu.Download(y, 1)[0]);
            wrong += found != (uint)round ? 1 : 0;
        }

        Assert.True(waits ? wrong == 0 : wrong > 4, $"{wrong} of 16 were wrong.");
    }

    [Fact]
    public void A_buffer_that_is_written_again_too_early_shows_as_wrong_numbers()
    {
        using var gpu = new EmulatedGpu();
        nint other = EmulatedGpu.OpenStream();
        nint x = gpu.Upload(0f), y = gpu.Upload(0f);
        int wrong = 0;
        for (uint round = 1; round <= 64; round++)
        {
            EmulatedGpu.Check(Driver.MemsetD32Async(x, round, 1, gpu.Stream));
            gpu.Synchronize();
            EmulatedGpu.Check(Driver.MemcpyDtoDAsync(y, x, 4, gpu.Stream));
            EmulatedGpu.Check(Driver.MemsetD32Async(x, 0, 1, other));
            gpu.Synchronize();
            wrong += BitConverter.SingleToUInt32Bits(gpu.Download(y, 1)[0]) != round ? 1 : 0;
            EmulatedGpu.Check(Driver.StreamSynchronize(other));
        }

        Assert.InRange(wrong, 1, 63);
    }

    [Fact]
    public void The_seed_chooses_the_order_of_streams()
    {
        using var gpu = new EmulatedGpu();
        var orders = new HashSet<string>();
        for (ulong seed = 0; seed < 8; seed++)
        {
            Assert.Equal(Order(seed), Order(seed));
            orders.Add(Order(seed));
        }

        Assert.True(orders.Count > 2, $"Eight seeds gave {orders.Count} orders.");

        static string Order(ulong seed)
        {
            EmulatedCuda.Seed(seed);
            lock (Calls)
            {
                Calls.Clear();
            }

            nint[] streams = [.. Enumerable.Range(0, 4).Select(_ => EmulatedGpu.OpenStream())];
            for (int i = 0; i < streams.Length; i++)
            {
                EmulatedGpu.Check(Driver.LaunchHostFunc(streams[i], &Note, i));
            }

            foreach (nint stream in streams)
            {
                EmulatedGpu.Check(Driver.StreamSynchronize(stream));
            }

            lock (Calls)
            {
                return string.Join(' ', Calls);
            }
        }
    }

    [Fact]
    public void A_query_makes_progress()
    {
        using var gpu = new EmulatedGpu();
        nint x = gpu.Upload(0f);
        for (int i = 0; i < 10; i++)
        {
            EmulatedGpu.Check(Driver.MemsetD32Async(x, 1, 1, gpu.Stream));
        }

        int queries = 0;
        while (Driver.StreamQuery(gpu.Stream) is var answer && answer != CudaResult.Success)
        {
            Assert.Equal(CudaResult.NotReady, answer);
            Assert.True(++queries < 100, "The stream never ends.");
        }

        Assert.True(queries > 1, "A query did all the work.");
    }

    [Fact]
    public void Events_know_whether_and_when_they_were_reached()
    {
        using var gpu = new EmulatedGpu();
        nint x = gpu.Upload(0f);
        nint first = EmulatedGpu.NewEvent(DriverFlags.EventTimed), second = EmulatedGpu.NewEvent(DriverFlags.EventTimed), untimed = EmulatedGpu.NewEvent();
        EmulatedGpu.Check(Driver.EventQuery(first));
        Assert.NotEqual(CudaResult.Success, Driver.EventElapsedTime(out _, first, second));
        EmulatedGpu.Check(Driver.EventRecord(first, gpu.Stream));
        EmulatedGpu.Check(Driver.MemsetD32Async(x, 1, 1, gpu.Stream));
        EmulatedGpu.Check(Driver.EventRecord(second, gpu.Stream));
        Assert.Equal(CudaResult.NotReady, Driver.EventElapsedTime(out _, first, second));
        EmulatedGpu.Check(Driver.EventSynchronize(second));
        EmulatedGpu.Check(Driver.EventElapsedTime(out float milliseconds, first, second));
        Assert.InRange(milliseconds, 0f, 60_000f);
        EmulatedGpu.Check(Driver.EventRecord(untimed, gpu.Stream));
        gpu.Synchronize();
        Assert.NotEqual(CudaResult.Success, Driver.EventElapsedTime(out _, first, untimed));
        EmulatedGpu.Check(Driver.EventDestroy(second));
        Assert.NotEqual(CudaResult.Success, Driver.EventSynchronize(second));
    }

    [Fact]
    public void A_host_function_runs_in_its_turn()
    {
        using var gpu = new EmulatedGpu();
        float* pinned = EmulatedGpu.Pinned(2);
        nint x = gpu.Upload(7f);
        pinned[0] = pinned[1] = 0f;
        EmulatedGpu.Check(Driver.MemcpyDtoHAsync(pinned, x, 4, gpu.Stream));
        EmulatedGpu.Check(Driver.LaunchHostFunc(gpu.Stream, &TakeOver, (nint)pinned));
        Assert.Equal(0f, pinned[1]);
        gpu.Synchronize();
        Assert.Equal(7f, pinned[1]);
    }

    [Fact]
    public void A_CUDA_call_from_a_host_function_is_refused_and_noted()
    {
        using var gpu = new EmulatedGpu();
        EmulatedGpu.Check(Driver.LaunchHostFunc(gpu.Stream, &CallDriver, gpu.Stream));
        gpu.Synchronize();
        Assert.Equal(800, (int)CallFromHost);
        Assert.Contains("cuStreamSynchronize was called from inside a host function", EmulatedCuda.Log, StringComparison.Ordinal);
    }

    [Fact]
    public void The_default_stream_and_blocking_streams_wait_for_each_other()
    {
        using var gpu = new EmulatedGpu();
        EmulatedGpu.Check(Driver.StreamCreate(out nint blocking, 0));
        nint x = gpu.Upload(0f), y = gpu.Upload(0f);
        for (uint round = 1; round <= 16; round++)
        {
            EmulatedGpu.Check(Driver.MemsetD32Async(x, round, 1, blocking));
            EmulatedGpu.Check(Driver.MemcpyDtoDAsync(y, x, 4, 0));
            EmulatedGpu.Check(Driver.MemsetD32Async(x, 0, 1, blocking));
            EmulatedGpu.Check(Driver.StreamSynchronize(blocking));
            EmulatedGpu.Check(Driver.StreamSynchronize(0));
            Assert.Equal(round, BitConverter.SingleToUInt32Bits(gpu.Download(y, 1)[0]));
        }
    }

    [Fact]
    public void Several_threads_may_wait_at_once()
    {
        using var gpu = new EmulatedGpu();
        EmulatedGpu.Check(Driver.CtxGetCurrent(out nint context));
        Parallel.For(0, 4, new ParallelOptions { MaxDegreeOfParallelism = 4 }, index =>
        {
            EmulatedGpu.Check(Driver.CtxGetCurrent(out nint before));
            EmulatedGpu.Check(Driver.CtxSetCurrent(context));
            nint stream = EmulatedGpu.OpenStream();
            EmulatedGpu.Check(Driver.MemAllocAsync(out nint x, 4, stream));
            for (uint round = 0; round < 50; round++)
            {
                uint found;
                EmulatedGpu.Check(Driver.MemsetD32Async(x, round, 1, stream));
                EmulatedGpu.Check(Driver.MemcpyDtoHAsync(&found, x, 4, stream));
                EmulatedGpu.Check(Driver.StreamSynchronize(stream));
                Assert.Equal(round, found);
            }

            EmulatedGpu.Check(Driver.CtxSetCurrent(before));
        });
    }

    [UnmanagedCallersOnly]
    private static void TakeOver(nint data) => ((float*)data)[1] = ((float*)data)[0];

    [UnmanagedCallersOnly]
    private static void CallDriver(nint data) => CallFromHost = Driver.StreamSynchronize(data);

    [UnmanagedCallersOnly]
    private static void Note(nint data)
    {
        lock (Calls)
        {
            Calls.Add($"{data}");
        }
    }
}
