using System.CommandLine;

namespace MoEActors.Cli.Commands;

/// <summary>`moe bench gemm`: our matrix product beside OpenBLAS, where that is installed.</summary>
internal sealed class BenchGemmCommand
{
    private readonly Option<bool> _json = new("--json") { Description = "Print one JSON object." };

    public static Command Create() => new BenchGemmCommand().Build();

    private Command Build()
    {
        Command command = new("gemm", "Time our matrix product, beside OpenBLAS where that is installed.") { _json };
        command.Runs(parsed => new BenchGemmOptions { Json = parsed.GetValue(_json) }, Run);
        return command;
    }

    private static Task<int> Run(BenchGemmOptions options, CommandOutput output, CancellationToken cancellation) =>
        throw new NotSupportedException("this benchmark is not built yet.");
}
