using System.Diagnostics;
using MoEActors.Native.Communication;
using MoEActors.Native.Communication.InProcess;
using MoEActors.Native.Cpu;

namespace MoEActors.Cli.Bench;

/// <summary>
/// Forward and backward of one MoE layer on some workers, one thread and one micro-batch each, beside our own matrix product on as many
/// threads. Steps and products alternate, so that both see the same machine.
/// </summary>
internal static class LayerBenchmark
{
    private const int WarmupSteps = 3;

    /// <summary>
    /// Longer than any benchmark: the communicator's watchdog runs on the thread pool, and its first run would be counted as the layer's allocation.
    /// </summary>
    private static readonly TimeSpan Deadline = TimeSpan.FromHours(1);

    /// <summary>Runs the benchmark.</summary>
    public static LayerReport Run(LayerShape shape, int workers, int steps, CancellationToken cancellation)
    {
        using var group = new InProcessCommunicatorGroup(workers, Deadline);
        using var turns = new Turns(workers);
        double[] seconds = new double[steps];
        double[] sgemm = new double[steps];
        long allocated = 0;
        using var device = new CpuDevice(workers);
        using var product = new SgemmRate(device);
        Thread[] threads = [.. Enumerable.Range(0, workers).Select(rank => new Thread(() => Work(shape, group.Open(rank), turns)) { Name = $"layer worker {rank}" })];
        Array.ForEach(threads, thread => thread.Start());
        try
        {
            for (int i = 0; i < WarmupSteps; i++)
            {
                turns.RunStep();
                product.Measure();
            }

            for (int i = 0; i < steps; i++)
            {
                cancellation.ThrowIfCancellationRequested();
                long before = GC.GetTotalAllocatedBytes(precise: true);
                long started = Stopwatch.GetTimestamp();
                turns.RunStep();
                seconds[i] = Stopwatch.GetElapsedTime(started).TotalSeconds;
                allocated += GC.GetTotalAllocatedBytes(precise: true) - before;
                sgemm[i] = product.Measure();
            }
        }
        finally
        {
            turns.Finish();
            Array.ForEach(threads, thread => thread.Join());
        }

        double median = Samples.Median(seconds);
        double gflops = 6.0 * shape.Tokens * shape.TopK * 2 * shape.ModelDimension * shape.Hidden / median / 1e9;
        double sgemmGflops = Samples.Median(sgemm);
        return new LayerReport
        {
            Tokens = shape.Tokens,
            ModelDimension = shape.ModelDimension,
            Hidden = shape.Hidden,
            Experts = shape.Experts,
            TopK = shape.TopK,
            Workers = workers,
            Steps = steps,
            Seconds = median,
            Gflops = gflops,
            SgemmGflops = sgemmGflops,
            Share = gflops / sgemmGflops,
            AllocatedBytesPerStep = (double)allocated / steps,
        };
    }

    private static void Work(LayerShape shape, ICommunicator communicator, Turns turns)
    {
        try
        {
            using var worker = new LayerWorker(shape, communicator);
            while (turns.WaitForStep())
            {
                worker.Step();
                turns.Done(null);
            }
        }
        catch (Exception e)
        {
            communicator.Abort(e);
            turns.Done(e);
        }
        finally
        {
            communicator.Dispose();
        }
    }
}
