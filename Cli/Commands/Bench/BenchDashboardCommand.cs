using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using MoEActors.Benchmarks;
using MoEActors.Cli.Dashboards;
using MoEActors.Cli.Progress;
using MoEActors.Client;

namespace MoEActors.Cli.Commands.Bench;

/// <summary>`moe bench dashboard`: what it costs training that people look. They are this program again, with a command of its own.</summary>
internal static class BenchDashboardCommand
{
    private const string ViewersName = "dashboard-viewers";

    public static Command Create()
    {
        Option<string?> config = SharedOptions.InsteadOfDemo("Measure");
        Option<int> steps = NumberOption.Count("--steps", "Measured steps of a block.", 40);
        Option<int> blocks = NumberOption.Count("--blocks", "Measured blocks of each kind; the median counts.", 12);
        Option<int> viewers = NumberOption.Count("--viewers", "How many look.", 20);
        Option<int> silos = SharedOptions.Silos();
        Command command = new("dashboard", "Show what a dashboard costs training: without one, with viewers, and with viewers who read nothing.") { config, steps, blocks, viewers, silos };
        return command.Measures(
            async (parsed, output, cancellation) =>
            {
                TrainedRun run = ConfiguredRun.Read(parsed.GetValue(config), output);
                using var progress = CountProgress.On(output, "step", DashboardBenchmark.StepsFor(parsed.GetValue(blocks), parsed.GetValue(steps)));
                return await DashboardBenchmark.RunAsync(
                    run, parsed.GetValue(silos), parsed.GetValue(blocks), parsed.GetValue(steps), parsed.GetValue(viewers),
                    cluster => ServeAsync(cluster, cancellation), LookAsync, progress, cancellation);
            },
            Print);
    }

    /// <summary>The command of those who look, which nobody else has a use for.</summary>
    public static Command CreateViewers()
    {
        Argument<string> host = new("host");
        Argument<int> port = new("port"), count = new("count");
        Argument<bool> read = new("read");
        Command command = new(ViewersName, "Those who look, in moe bench dashboard.") { host, port, count, read };
        command.Hidden = true;
        return command.Runs(async (parsed, output, cancellation) =>
        {
            List<TcpClient> viewers = [];
            byte[] request = Encoding.ASCII.GetBytes($"GET /api/stream?model=bench&layer=0 HTTP/1.1\r\nHost: {parsed.GetValue(host)}\r\n\r\n");
            for (int i = 0; i < parsed.GetValue(count); i++)
            {
                var viewer = new TcpClient { ReceiveBufferSize = 4096 };
                await viewer.ConnectAsync(parsed.GetRequiredValue(host), parsed.GetValue(port), cancellation);
                await viewer.GetStream().WriteAsync(request, cancellation);
                viewers.Add(viewer);
                if (parsed.GetValue(read))
                {
                    _ = viewer.GetStream().CopyToAsync(Stream.Null, cancellation);
                }
            }

            output.Out.WriteLine("looking");
            await Console.In.ReadLineAsync(cancellation);
            viewers.ForEach(viewer => viewer.Dispose());
            return ExitCode.Done;
        });
    }

    private static async Task<(Uri, IAsyncDisposable)> ServeAsync(MoECluster cluster, CancellationToken cancellation)
    {
        DashboardServer server = await DashboardServer.StartAsync(new DashboardChoice(new IPEndPoint(IPAddress.Loopback, 0)), cluster, NullLoggerProvider.Instance, cancellation);
        return (server.Address, server);
    }

    private static async Task<IAsyncDisposable> LookAsync(Uri address, int viewers, bool read)
    {
        string program = Environment.ProcessPath!;
        string[] itself = Path.GetFileNameWithoutExtension(program) == "dotnet" ? [Environment.GetCommandLineArgs()[0]] : [];
        string[] words =
        [
            .. itself, "bench", ViewersName, address.Host, address.Port.ToString(CultureInfo.InvariantCulture), viewers.ToString(CultureInfo.InvariantCulture), read ? "true" : "false",
        ];
        var lookers = new Lookers(Process.Start(new ProcessStartInfo(program, words) { RedirectStandardInput = true, RedirectStandardOutput = true })!);
        await lookers.LookAsync();
        return lookers;
    }

    private static void Print(DashboardBenchmarkReport report, TextWriter writer)
    {
        writer.WriteLine(string.Create(
            CultureInfo.InvariantCulture, $"{report.Silos} silos, {report.Blocks} blocks of {report.StepsPerBlock} steps of each kind, {report.Viewers} viewers in another process"));
        foreach ((string name, DashboardCost cost) in new[] { ("no dashboard", report.Without), ("viewers", report.Reading), ("viewers who read nothing", report.Deaf) })
        {
            writer.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"  {name,-26}{cost.SecondsPerStep * 1e3,8:F1} ms a step, {cost.ProcessorSecondsPerStep * 1e3,8:F1} ms of processor time; {cost.ProcessorRatio - 1,8:P2} more processor time ({cost.ProcessorRatioLow - 1:P2} to {cost.ProcessorRatioHigh - 1:P2}), {cost.SecondsRatio - 1,8:P2} more time"));
        }
    }

    /// <summary>The process of those who look.</summary>
    private sealed class Lookers(Process process) : IAsyncDisposable
    {
        public async Task LookAsync()
        {
            if (await process.StandardOutput.ReadLineAsync() is null)
            {
                throw new InvalidOperationException("Those who look have ended before they looked.");
            }
        }

        public async ValueTask DisposeAsync()
        {
            process.StandardInput.Close();
            await process.WaitForExitAsync();
            process.Dispose();
        }
    }
}
