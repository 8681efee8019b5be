using System.CommandLine;
using System.Globalization;
using Microsoft.Extensions.DependencyInjection;
using MoEActors.Benchmarks;
using MoEActors.Cli.Progress;
using MoEActors.Cli.Telemetry;
using OpenTelemetry;
using OpenTelemetry.Exporter;
using OpenTelemetry.Metrics;

namespace MoEActors.Cli.Commands.Bench;

/// <summary>`moe bench telemetry`: what it costs training to export all that is measured and traced.</summary>
internal static class BenchTelemetryCommand
{
    /// <summary>Twelve times as often as collectors are told by default: every block has some of it.</summary>
    private const int MetricsInterval = 5000;

    public static Command Create()
    {
        Option<string?> config = SharedOptions.InsteadOfDemo("Measure");
        Option<int> steps = NumberOption.Count("--steps", "Measured steps of a block.", 60);
        Option<int> blocks = NumberOption.Count("--blocks", "Pairs of blocks; the sum and the median count.", 12);
        Option<int> silos = SharedOptions.Silos();
        Command command = new("telemetry", "Train with all telemetry exported to a collector of this process, and with none, in turns, and compare.") { config, steps, blocks, silos };
        return command.Measures(
            async (parsed, output, cancellation) =>
            {
                TrainedRun run = ConfiguredRun.Read(parsed.GetValue(config), output);
                using var progress = CountProgress.On(output, "step", TelemetryBenchmark.StepsFor(parsed.GetValue(steps), parsed.GetValue(blocks)));
                return await TelemetryBenchmark.RunAsync(run, parsed.GetValue(silos), parsed.GetValue(steps), parsed.GetValue(blocks), Export, progress, cancellation);
            },
            Print);
    }

    private static OpenTelemetrySdk Export(Uri collector) => OpenTelemetrySdk.Create(telemetry =>
    {
        telemetry.AddMoE("bench", sent => sent.UseOtlpExporter(OtlpExportProtocol.HttpProtobuf, collector));
        telemetry.Services.Configure<MetricReaderOptions>(reader => reader.PeriodicExportingMetricReaderOptions.ExportIntervalMilliseconds = MetricsInterval);
    });

    private static void Print(TelemetryBenchmarkReport report, TextWriter writer) => writer.WriteLine(string.Create(
        CultureInfo.InvariantCulture,
        $"{report.SecondsPerStepWithout * 1e3:F1} ms a step without, {report.SecondsPerStepWith * 1e3:F1} ms with telemetry, {report.Steps} steps each in {report.Blocks} pairs of blocks; with over without: time {report.SecondsRatio:F4} (median {report.SecondsRatioMedian:F4}), processor time {report.ProcessorRatio:F4} (median {report.ProcessorRatioMedian:F4}, from {report.ProcessorRatioLow:F4} to {report.ProcessorRatioHigh:F4}); {report.Requests} requests with {report.Bytes / 1e3:F0} kB were received"));
}
