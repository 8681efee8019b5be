using System.CommandLine;
using System.Text.Json;
using MoEActors.Benchmarks;
using MoEActors.Cli.Invocation;

namespace MoEActors.Cli.Commands.Bench;

/// <summary>`moe bench gemm`: our matrix product beside OpenBLAS, where that is installed.</summary>
internal sealed class BenchGemmCommand
{
    private readonly Option<bool> _json = SharedOptions.Json();

    public static Command Create() => new BenchGemmCommand().Build();

    private Command Build()
    {
        Command command = new("gemm", "Time our matrix product, beside OpenBLAS where that is installed.") { _json };
        command.Runs(parsed => new BenchGemmOptions { Json = parsed.GetValue(_json) }, Run);
        return command;
    }

    private static Task<int> Run(BenchGemmOptions options, CommandOutput output, CancellationToken cancellation)
    {
        // Lines of progress go beside the report, so that the report stays pure JSON.
        var progress = new LineProgress(options.Json ? output.Error : output.Out);
        GemmReport report = GemmBenchmark.Run(new GemmBenchmarkOptions(), progress);
        output.Out.WriteLine(options.Json
            ? JsonSerializer.Serialize(report, SnakeCase.OneLine)
            : $"{report.Device}; {report.OpenBlas ?? "OpenBLAS is not on this machine"}");
        return Task.FromResult(ExitCode.Done);
    }

    private sealed class LineProgress(TextWriter writer) : IProgress<string>
    {
        public void Report(string value) => writer.WriteLine(value);
    }
}

/// <summary>What `moe bench gemm` is asked to do.</summary>
internal sealed record BenchGemmOptions : ICommandOptions
{
    /// <summary>Whether to print one JSON object instead of a table.</summary>
    public bool Json { get; init; }
}
