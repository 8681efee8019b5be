using System.CommandLine;
using MoEActors.Benchmarks;

namespace MoEActors.Cli.Commands.Bench;

/// <summary>`moe bench gemm`: our matrix product beside OpenBLAS, where that is installed.</summary>
internal static class BenchGemmCommand
{
    public static Command Create() => new Command("gemm", "Time our matrix product, beside OpenBLAS where that is installed.").Measures(
        // Lines of progress go beside the report, so that the report stays pure JSON.
        (parsed, output, _) => Task.FromResult(
            GemmBenchmark.Run(new GemmBenchmarkOptions(), new LineProgress(parsed.IsJson() ? output.Error : output.Out))),
        (report, writer) => writer.WriteLine($"{report.Device}; {report.OpenBlas ?? "OpenBLAS is not on this machine"}"));

    private sealed class LineProgress(TextWriter writer) : IProgress<string>
    {
        public void Report(string value) => writer.WriteLine(value);
    }
}
