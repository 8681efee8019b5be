using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using MoEActors.Benchmarks.Exchange;

namespace MoEActors.Cli.Commands.Bench;

/// <summary>`moe bench exchange`: the data plane between processes beside plain sockets. Its processes are this program again, with a command of their own.</summary>
internal static class BenchExchangeCommand
{
    private const string RankName = "exchange-rank";

    public static Command Create()
    {
        Option<int> processes = NumberOption.Count("--processes", "Processes that exchange bytes.", 2);
        Option<int> bytes = NumberOption.Count("--bytes", "Bytes from every process to every other in a round.", 1 << 20);
        Option<int> blocks = NumberOption.Count("--blocks", "Measured blocks of each kind; the median counts.", 9);
        Command command = new("exchange", "Time the data plane between processes, beside plain sockets and copies.") { processes, bytes, blocks };
        return command.Measures(
            (parsed, _, cancellation) => ExchangeBenchmark.RunAsync(
                parsed.GetValue(processes), parsed.GetValue(bytes), parsed.GetValue(blocks),
                rank => Start(rank, parsed.GetValue(processes), parsed.GetValue(bytes), parsed.GetValue(blocks)), cancellation),
            (report, writer) => writer.WriteLine(report));
    }

    /// <summary>The command of one process, which nobody else has a use for.</summary>
    public static Command CreateRank()
    {
        Argument<int> rank = new("rank"), processes = new("processes"), bytes = new("bytes"), blocks = new("blocks");
        Command command = new(RankName, "One process of moe bench exchange.") { rank, processes, bytes, blocks };
        command.Hidden = true;
        return command.Runs((parsed, output, _) =>
        {
            ExchangeRank.Run(
                parsed.GetValue(rank), parsed.GetValue(processes), parsed.GetValue(bytes), parsed.GetValue(blocks), Console.In, output.Out);
            return Task.FromResult(ExitCode.Done);
        });
    }

    private static Process Start(int rank, params int[] numbers)
    {
        string program = Environment.ProcessPath!;
        string[] itself = Path.GetFileNameWithoutExtension(program) == "dotnet" ? [Environment.GetCommandLineArgs()[0]] : [];
        string[] words = [.. itself, "bench", RankName, .. new[] { rank }.Concat(numbers).Select(number => number.ToString(CultureInfo.InvariantCulture))];
        return Process.Start(new ProcessStartInfo(program, words) { RedirectStandardInput = true, RedirectStandardOutput = true })!;
    }
}
