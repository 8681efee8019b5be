using System.Diagnostics;
using MoEActors.Modules.Gates;
using MoEActors.Modules.MixtureOfExperts;
using MoEActors.Modules.Optimizers;
using MoEActors.Modules.Parameters;
using MoEActors.Native.Cuda;
using MoEActors.Native.DryRun;
using MoEActors.Native.Memory;
using MoEActors.Workers.Estimation;
using MoEActors.Workers.Memory;

namespace MoEActors.Benchmarks.Devices;

/// <summary>A language model on one GPU: whole steps, forward, backward and update, at the size of a real one.</summary>
internal static class ModelCheck
{
    private const int Warmups = 2;
    private const int Steps = 5;
    private const int Sequences = 16;

    private static readonly ModelConfiguration Real = new()
    {
        Vocabulary = 32_000,
        Dim = 2048,
        Heads = 16,
        KeyValueHeads = 16,
        Hidden = 2048,
        Experts = [.. Enumerable.Repeat(16, 12)],
        MaximumSequence = 1024,
        Gate = new GateOptions { TopK = 2 },
    };

    private static readonly ModelConfiguration Tiny = Real with { Vocabulary = 64, Dim = 32, Heads = 2, KeyValueHeads = 2, Hidden = 48, Experts = [4, 4], MaximumSequence = 12 };

    public static void Run(GpuCheckContext context)
    {
        ModelConfiguration model = context.IsTiny ? Tiny : Real;
        foreach (CudaPrecision precision in new[] { CudaPrecision.BF16, CudaPrecision.TF32 })
        {
            Measure(context, precision, model);
        }
    }

    private static void Measure(GpuCheckContext context, CudaPrecision precision, ModelConfiguration configuration)
    {
        using CudaDevice device = context.Open(precision);
        int sequences = Fitting(device, configuration);
        string name = $"{configuration.Experts.Count} layers, D {configuration.Dim}, {configuration.Experts[0]} experts, {Sequences}×{configuration.MaximumSequence} tokens, {precision}";
        if (sequences == 0)
        {
            context.Measured($"{name}: does not fit, of free memory there are", (device.FreeBytes ?? 0) / (double)(1L << 30), "GiB");
            return;
        }

        using var arena = new Arena(device);
        var blocks = new List<ParameterBlock>();
        ParameterBlock dense = Block("", ModelLayout.Dense(configuration));
        using var model = new DecoderModel(configuration, device, arena, dense, layer => new SingleProcessExchange(
            [.. Enumerable.Range(0, configuration.Experts[layer]).Select(expert => Block(ModelLayout.ExpertPrefix(layer, expert), ModelLayout.Expert(configuration)).Parameters)]));
        MicroBatch[] batches = [.. Enumerable.Range(0, Sequences / sequences).Select(index => Batch(configuration, sequences, index))];
        var optimizer = new Optimizer(new OptimizerOptions { LearningRate = 1e-4f, WarmupSteps = 1, TotalSteps = 1000 });
        int steps = context.IsTiny ? 1 : Steps;
        double[] seconds = new double[steps];
        double[] enqueued = new double[steps];
        double first = 0, last = 0;
        for (int i = -Warmups; i < steps; i++)
        {
            device.Synchronize();
            long started = Stopwatch.GetTimestamp();
            last = Step(i + Warmups + 1);
            first = i == -Warmups ? last : first;
            enqueued[Math.Max(i, 0)] = Stopwatch.GetElapsedTime(started).TotalSeconds;
            device.Synchronize();
            seconds[Math.Max(i, 0)] = Stopwatch.GetElapsedTime(started).TotalSeconds;
            context.Cancellation.ThrowIfCancellationRequested();
        }

        double median = Samples.Median(seconds);
        context.Checked($"{name}: the loss", double.IsFinite(last) && last < first, $"from {first:0.0000} to {last:0.0000} in {Warmups + steps} steps");
        context.Measured($"{name}: a step", median * 1e3, "ms");
        context.Measured($"{name}: of it until the host has queued it", Samples.Median(enqueued) * 1e3, "ms");
        context.Measured($"{name}: tokens", Sequences * configuration.MaximumSequence / median, "tokens/s");
        context.Measured($"{name}: products and attention", ModelOperations.PerTrainedToken(configuration, configuration.MaximumSequence) * Sequences * configuration.MaximumSequence / median / 1e12, "TFLOP/s");
        context.Measured($"{name}: in micro-batches of", sequences, "sequences");
        context.Measured($"{name}: memory that was allocated", device.AllocatedBytes / (double)(1L << 30), "GiB");
        blocks.ForEach(block => block.Dispose());

        ParameterBlock Block(string prefix, IReadOnlyList<ParameterShape> layout)
        {
            var block = new ParameterBlock(device, prefix, layout);
            block.Initialise(configuration.Seed);
            blocks.Add(block);
            return block;
        }

        double Step(int step)
        {
            blocks.ForEach(block => block.BeginGradients());
            double sum = 0;
            for (int index = 0; index < batches.Length; index++)
            {
                sum += model.Train(
                    batches[index], 1f / (Sequences * configuration.MaximumSequence), 1f / batches.Length, new MicroBatchPlace(step, index)).CrossEntropySum;
            }

            blocks.ForEach(block => optimizer.Apply(device, block, block.Gradients, gradientScale: 1f, step));
            return sum / (Sequences * configuration.MaximumSequence);
        }
    }

    /// <summary>The most sequences of a micro-batch, by halves of a step, that the GPU has memory for; 0 for not one.</summary>
    private static int Fitting(CudaDevice device, ModelConfiguration configuration)
    {
        var run = new RunConfiguration { Model = configuration, MicroBatches = 1 };
        long budget = MemoryBudget.Of(device, workers: 1);
        int sequences = Sequences;
        while (sequences > 0 && MemoryEstimator.Estimate(run, workers: 1, new MicroBatchShape(sequences, configuration.MaximumSequence), device: ImitatedDevice.Of(device))
            .Workers[0].FirstBeyond(budget, moving: false) is not null)
        {
            sequences /= 2;
        }

        return sequences;
    }

    /// <summary>Sequences that count upwards by one to three, so that there is something to learn.</summary>
    private static MicroBatch Batch(ModelConfiguration model, int sequences, int seed)
    {
        var random = new Random(seed);
        int[] tokens = new int[sequences * model.MaximumSequence], targets = new int[tokens.Length];
        for (int first = 0; first < tokens.Length; first += model.MaximumSequence)
        {
            (int start, int by) = (random.Next(model.Vocabulary), random.Next(1, 4));
            for (int i = 0; i < model.MaximumSequence; i++)
            {
                tokens[first + i] = (start + i * by) % model.Vocabulary;
                targets[first + i] = (start + (i + 1) * by) % model.Vocabulary;
            }
        }

        return new MicroBatch(tokens, targets, model.MaximumSequence);
    }
}
