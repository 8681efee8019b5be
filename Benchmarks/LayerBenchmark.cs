using MoEActors.Native.Cpu;

namespace MoEActors.Benchmarks;

/// <summary>
/// Forward and backward of one MoE layer on some workers, one thread and one micro-batch each, beside our own matrix product on as many
/// threads. Steps and products alternate, so that both see the same machine.
/// </summary>
public static class LayerBenchmark
{
    private const int WarmupSteps = 3;

    /// <summary>Runs the benchmark.</summary>
    public static LayerReport Run(LayerShape shape, int workers, int steps, CancellationToken cancellation)
    {
        double[] seconds = new double[steps];
        double[] sgemm = new double[steps];
        long allocated = 0;
        using var device = new CpuDevice(workers);
        using var product = new SgemmRate(device);
        using var group = new LayerGroup(shape, workers);
        for (int i = 0; i < WarmupSteps; i++)
        {
            group.Step();
            product.Measure();
        }

        for (int i = 0; i < steps; i++)
        {
            cancellation.ThrowIfCancellationRequested();
            long before = GC.GetTotalAllocatedBytes(precise: true);
            seconds[i] = group.Step();
            allocated += GC.GetTotalAllocatedBytes(precise: true) - before;
            sgemm[i] = product.Measure();
        }

        double median = Samples.Median(seconds);
        double gflops = 6.0 * shape.Tokens * shape.TopK * 2 * shape.ModelDimension * shape.Hidden / median / 1e9;
        double sgemmGflops = Samples.Median(sgemm);
        return new LayerReport
        {
            Tokens = shape.Tokens,
            ModelDim = shape.ModelDimension,
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
}

/// <summary>The layer to measure. Tokens are those of all workers together.</summary>
public sealed record LayerShape(int Tokens, int ModelDimension, int Hidden, int Experts, int TopK);

/// <summary>What `moe bench layer` found. Times are medians over the measured steps.</summary>
public sealed record LayerReport
{
    public required int Tokens { get; init; }

    public required int ModelDim { get; init; }

    public required int Hidden { get; init; }

    public required int Experts { get; init; }

    public required int TopK { get; init; }

    public required int Workers { get; init; }

    public required int Steps { get; init; }

    /// <summary>Forward and backward of one step.</summary>
    public required double Seconds { get; init; }

    /// <summary>6·tokens·k·2·D·H operations over <see cref="Seconds"/>, in 10⁹ per second.</summary>
    public required double Gflops { get; init; }

    /// <summary>Our own product of 2048³ on as many threads, in the same run.</summary>
    public required double SgemmGflops { get; init; }

    /// <summary><see cref="Gflops"/> over <see cref="SgemmGflops"/>.</summary>
    public required double Share { get; init; }

    /// <summary>Managed bytes that the whole process allocated per measured step.</summary>
    public required double AllocatedBytesPerStep { get; init; }
}
