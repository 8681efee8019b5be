using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Serialization;
using MoEActors.Cli.Clusters;
using MoEActors.Cli.Dashboards;
using MoEActors.Cli.Screen;
using MoEActors.Cli.Top;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace MoEActors.Cli.Commands;

/// <summary>`moe top`: a cluster live in the terminal.</summary>
internal static class TopCommand
{
    /// <summary>What is printed where there is no screen: as wide as a page, and as long as it takes.</summary>
    private static readonly ScreenCanvas Page = new(100, 200);

    /// <summary>How long a cluster that has just been connected to may take to be seen.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5), Pause = TimeSpan.FromMilliseconds(100);

    /// <summary>A loss that is no number is one all the same.</summary>
    private static readonly JsonSerializerOptions Json = new(SnakeCase.OneLine) { NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals };

    public static Command Create()
    {
        Argument<string?> name = new("MODEL") { Description = "The model to show; without it, the one that was last trained.", Arity = ArgumentArity.ZeroOrOne };
        Option<string> runs = SharedOptions.Runs();
        Option<string?> connect = ConnectOption.Create();
        Option<string?> dashboard = TextOption.Optional(
            DashboardChoice.OptionName, "PORT", $"The dashboard to read, a port of 127.0.0.1 or ADDRESS:PORT; {DashboardChoice.Default} where it is left out.");
        Option<bool> json = new("--json") { Description = "Print one reading as a JSON object." };
        return new Command("top", "Show a cluster live: silos, load, balance, what the director decides, failures. It reads the dashboard that a command serves, or connects. q or Ctrl-C ends it.")
        {
            name, dashboard, connect, runs, json,
        }.Runs(async (parsed, output, cancellation) =>
        {
            UsageException.ThrowUnless(
                !ConnectOption.IsGiven(parsed, connect) || parsed.GetValue(dashboard) is null, $"{DashboardChoice.OptionName} and --connect exclude each other: a cluster that is connected to needs no dashboard.");
            DashboardChoice chosen = DashboardChoice.Of(parsed.GetValue(dashboard));
            if (chosen.Endpoint is not { Port: > 0 } endpoint)
            {
                throw new UsageException($"{DashboardChoice.OptionName} must say where a dashboard is.");
            }

            await using BoardReader board = ConnectOption.Of(parsed, connect, parsed.GetRequiredValue(runs)) is { } cluster
                ? await BoardReader.ConnectAsync(cluster, cancellation)
                : BoardReader.At(endpoint);
            TopReading first = await FirstAsync(board, parsed.GetValue(name), cancellation);
            if (parsed.GetValue(json))
            {
                output.Out.WriteLine(JsonSerializer.Serialize(first, Json));
                return ExitCode.Done;
            }

            if (output.IsTerminal && AnsiConsole.Profile.Capabilities is { Ansi: true, Unicode: true })
            {
                return await new TopView(AnsiConsole.Console, board, parsed.GetValue(name)).RunAsync(first, cancellation) ? ExitCode.Done : ExitCode.Cancelled;
            }

            foreach (SegmentLine line in TopScreen.Of(first, board.Source, Page, DateTimeOffset.UtcNow))
            {
                output.Out.WriteLine(string.Concat(line.Select(part => part.Text)).TrimEnd());
            }

            return ExitCode.Done;
        });
    }

    /// <summary>The first reading that has something in it. A board that has just been begun is empty for a moment.</summary>
    private static async Task<TopReading> FirstAsync(BoardReader board, string? model, CancellationToken cancellation)
    {
        long begun = Environment.TickCount64;
        while (true)
        {
            TopReading reading;
            try
            {
                reading = await TopReading.OfAsync(board, model, cancellation);
            }
            catch (IOException e)
            {
                throw new IOException($"{e.Message} moe demo, train, cluster and silo serve one and say where; --dashboard names it, --connect needs none.", e);
            }

            bool isWhole = reading.Silos.Count > 0 && reading.Models.Count == 0 == reading.Model is null && reading.Model is not { Status.Newest: not null, Experts.Count: 0 };
            if (isWhole && (model is null || reading.Model is not null))
            {
                return reading;
            }

            if (Environment.TickCount64 - begun > Patience.TotalMilliseconds)
            {
                return model is null || reading.Model is not null ? reading : throw new InvalidOperationException(
                    $"There is no model {model}; {(reading.Models.Count == 0 ? "there is none" : $"there is: {string.Join(", ", reading.Models.Select(one => VisibleText.OfName(one.Name)))}")}.");
            }

            await Task.Delay(Pause, cancellation);
        }
    }
}
