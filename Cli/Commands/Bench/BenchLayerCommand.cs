using System.CommandLine;
using MoEActors.Benchmarks;

namespace MoEActors.Cli.Commands.Bench;

/// <summary>`moe bench layer`: forward and backward of one mixture-of-experts layer, without grains; `moe bench parallelism`: the same by two ways.</summary>
internal static class BenchLayerCommand
{
    public static Command Create() => Create(
        "layer", "Time forward and backward of one layer, beside the speed of our matrix product.", LayerBenchmark.Run,
        (report, writer) => writer.WriteLine(
            $"{report.Seconds * 1e3:F1} ms a step, {report.Gflops:F0} GFLOP/s: {report.Share:P0} of our product's {report.SgemmGflops:F0}, {report.AllocatedBytesPerStep:F0} managed bytes a step"));

    public static Command CreateParallelism() => Create(
        "parallelism", "Time forward and backward of one layer whose rows travel to experts, and whose experts travel to rows.", ParallelismBenchmark.Run,
        (report, writer) => writer.WriteLine(
            $"rows travel: {report.ExpertSeconds * 1e3:F1} ms a step, {report.ExpertBytes / 1e6:F1} MB; experts travel: {report.DataSeconds * 1e3:F1} ms, {report.DataBytes / 1e6:F1} MB: {report.Speedup:F2} times as fast"));

    private static Command Create<TReport>(
        string name, string description, Func<LayerShape, int, int, CancellationToken, TReport> measure, Action<TReport, TextWriter> print)
    {
        Option<int> tokens = NumberOption.Count("--tokens", "Tokens per step, on all workers together.", 4096);
        Option<int> modelDimension = NumberOption.Count("--model-dim", "Width of the model.", 512);
        Option<int> hidden = NumberOption.Count("--hidden", "Width of an expert's hidden layer.", 1024);
        Option<int> experts = NumberOption.Count("--experts", "Number of experts.", 16);
        Option<int> topK = NumberOption.Count("--top-k", "Experts that a token is sent to.", 2);
        Option<int> workers = NumberOption.Count("--workers", "Workers, one thread and one micro-batch each.", 2);
        Option<int> steps = NumberOption.Count("--steps", "Measured steps; the median counts.", 10);
        Command command = new(name, description) { tokens, modelDimension, hidden, experts, topK, workers, steps };
        return command.Measures(
            (parsed, _, cancellation) =>
            {
                var shape = new LayerShape(
                    parsed.GetValue(tokens), parsed.GetValue(modelDimension), parsed.GetValue(hidden), parsed.GetValue(experts), parsed.GetValue(topK));
                int count = parsed.GetValue(workers);
                UsageException.ThrowUnless(shape.TopK <= shape.Experts, $"--top-k {shape.TopK} is more than --experts {shape.Experts}.");
                UsageException.ThrowUnless(shape.Tokens % count == 0, $"--tokens {shape.Tokens} is no multiple of --workers {count}.");
                return Task.FromResult(measure(shape, count, parsed.GetValue(steps), cancellation));
            },
            print);
    }
}
