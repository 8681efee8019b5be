using System.Diagnostics;
using MoEActors.Native.Communication.InProcess;
using MoEActors.Native.Cuda;

namespace MoEActors.Benchmarks.Devices;

/// <summary>One MoE layer on one GPU, forward and backward, at sizes of real models.</summary>
internal static class LayerCheck
{
    private const int Warmups = 3;
    private const int Steps = 20;

    private static readonly LayerShape[] Shapes =
    [
        new(Tokens: 4096, ModelDimension: 1024, Hidden: 4096, Experts: 8, TopK: 2),
        new(Tokens: 16384, ModelDimension: 2048, Hidden: 2048, Experts: 16, TopK: 2),
    ];

    private static readonly LayerShape Tiny = new(Tokens: 96, ModelDimension: 32, Hidden: 48, Experts: 4, TopK: 2);

    public static void Run(GpuCheckContext context)
    {
        foreach (CudaPrecision precision in Enum.GetValues<CudaPrecision>())
        {
            foreach (LayerShape shape in context.IsTiny ? [Tiny] : Shapes)
            {
                Measure(context, precision, shape);
            }
        }

        foreach (LayerShape shape in context.IsTiny ? [] : Shapes)
        {
            foreach (PeerTime peer in PyTorchLayer.Measure(shape, Steps, remark => context.Checked("PyTorch", passed: true, remark)))
            {
                context.Measured($"{NameOf(shape)}: PyTorch {peer.Torch}, {peer.Name}", peer.Milliseconds, "ms");
            }
        }
    }

    private static string NameOf(LayerShape shape) =>
        $"{shape.Tokens} tokens, D {shape.ModelDimension}, H {shape.Hidden}, {shape.Experts} experts, k {shape.TopK}";

    private static void Measure(GpuCheckContext context, CudaPrecision precision, LayerShape shape)
    {
        using var group = new InProcessCommunicatorGroup(1);
        CudaDevice device = context.Open(precision);
        using var worker = new LayerWorker(shape, group.Open(0, device), device);
        int steps = context.IsTiny ? 1 : Steps;
        double[] seconds = new double[steps];
        double[] enqueued = new double[steps];
        for (int i = -Warmups; i < steps; i++)
        {
            device.Synchronize();
            long started = Stopwatch.GetTimestamp();
            worker.Step();
            double host = Stopwatch.GetElapsedTime(started).TotalSeconds;
            device.Synchronize();
            (seconds[Math.Max(i, 0)], enqueued[Math.Max(i, 0)]) = (Stopwatch.GetElapsedTime(started).TotalSeconds, host);
        }

        string name = $"{NameOf(shape)}, {precision}";
        double median = Samples.Median(seconds);
        context.Measured($"{name}: forward and backward", median * 1e3, "ms");
        context.Measured($"{name}: of it until the host has queued it", Samples.Median(enqueued) * 1e3, "ms");
        context.Measured($"{name}: products of experts", 6.0 * shape.Tokens * shape.TopK * 2 * shape.ModelDimension * shape.Hidden / median / 1e12, "TFLOP/s");
    }
}
