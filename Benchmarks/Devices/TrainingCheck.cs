using MoEActors.Modules.Optimizers;

namespace MoEActors.Benchmarks.Devices;

/// <summary>A small model trained on the GPU: its losses are the processor's, and two runs of it are one, bit for bit.</summary>
internal static class TrainingCheck
{
    private const int Steps = 30;
    private const int SequencesOfMicroBatch = 2;
    private const double Tolerance = 1e-4;
    private const double RoundedTolerance = 1e-2;

    private static readonly RunConfiguration Configuration = new()
    {
        MicroBatches = 4,
        Model = new ModelConfiguration
        {
            Vocabulary = 64,
            Dim = 48,
            Heads = 4,
            KeyValueHeads = 2,
            Hidden = 64,
            Experts = [4, 4],
            MaximumSequence = 24,
        },
        Optimizer = new OptimizerOptions { LearningRate = 3e-3f, WarmupSteps = 3, TotalSteps = Steps },
    };

    public static async Task RunAsync(GpuCheckContext context)
    {
        string cuda = $"cuda:{context.Gpu.Ordinal}";
        Trained cpu = await TrainAsync("cpu", silos: 1, context.Cancellation);
        Trained gpu = await TrainAsync(cuda, silos: 1, context.Cancellation);
        double worst = cpu.Losses.Zip(gpu.Losses, (x, y) => Math.Abs(x - y) / x).Max();
        context.Checked(
            "losses of 30 steps", worst <= Tolerance,
            $"from {gpu.Losses[0]:0.0000} to {gpu.Losses[^1]:0.0000}; they differ from the processor's by {worst:0.0e0} of them at most; {Tolerance:0.0e0} is allowed");
        Trained again = await TrainAsync(cuda, silos: 1, context.Cancellation);
        context.Checked("the same run again", again.Fingerprint == gpu.Fingerprint, $"parameters {gpu.Fingerprint:x16} and {again.Fingerprint:x16}");
        Trained rounded = await TrainAsync($"{cuda}/bf16", silos: 1, context.Cancellation);
        double gap = Math.Abs(cpu.Losses.Sum() - rounded.Losses.Sum()) / cpu.Losses.Sum();
        context.Checked(
            "losses of 30 steps with operands in bfloat16", gap <= RoundedTolerance,
            $"from {rounded.Losses[0]:0.0000} to {rounded.Losses[^1]:0.0000}; their mean differs from the processor's by {gap:0.0e0} of it; {RoundedTolerance:0.0e0} is allowed");
        Trained two = await TrainAsync(cuda, silos: 2, context.Cancellation);
        double apart = gpu.Losses.Zip(two.Losses, (x, y) => Math.Abs(x - y) / x).Max();
        context.Checked(
            "two workers on this GPU", apart <= Tolerance,
            $"losses differ from those of one worker by {apart:0.0e0} of them at most; parameters {two.Fingerprint:x16}{(two.Fingerprint == gpu.Fingerprint ? ", the same bits" : "")}");
    }

    private static async Task<Trained> TrainAsync(string device, int silos, CancellationToken cancellation)
    {
        await using EmbeddedCluster cluster = await EmbeddedCluster.StartAsync(new EmbeddedClusterOptions { Silos = silos, Device = device, SnapshotInterval = 0 }, cancellation);
        MoEModel model = await cluster.Client.CreateModelAsync("gpu-check", Configuration, cancellationToken: cancellation);
        var random = new Random(1);
        List<double> losses = [];
        for (int step = 0; step < Steps; step++)
        {
            losses.Add((await model.TrainStepAsync(Batch(random), cancellation)).Loss);
        }

        return new Trained(losses, await model.FingerprintAsync(cancellation));
    }

    /// <summary>Sequences that count upwards by one to three, so that there is something to learn.</summary>
    private static MicroBatch[] Batch(Random random)
    {
        (int length, int vocabulary) = (Configuration.Model.MaximumSequence, Configuration.Model.Vocabulary);
        return
        [
            .. Enumerable.Range(0, Configuration.MicroBatches).Select(_ =>
            {
                int[] tokens = [.. Enumerable.Range(0, SequencesOfMicroBatch).SelectMany(_ => Count(random.Next(vocabulary), random.Next(1, 4)))];
                int[] targets = [.. tokens.Select((_, place) => (place + 1) % length == 0 ? -1 : tokens[place + 1])];
                return new MicroBatch(tokens, targets, length);
            }),
        ];

        IEnumerable<int> Count(int start, int step) => Enumerable.Range(0, length).Select(place => (start + step * place) % vocabulary);
    }

    private sealed record Trained(IReadOnlyList<double> Losses, ulong Fingerprint);
}
