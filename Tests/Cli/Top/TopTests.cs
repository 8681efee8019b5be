using System.Globalization;
using System.Text.Json;
using MoEActors.Cli.Invocation;
using MoEActors.Cli.Screen;
using MoEActors.Cli.Top;
using MoEActors.Tests.Cli.Screen;
using MoEActors.Tests.Dashboard;
using MoEActors.Tests.Support;

namespace MoEActors.Tests.Cli.Top;

/// <summary>`moe top`: what it reads of a board, and what a terminal shows of it.</summary>
public sealed class TopTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_dashboard_is_read_once_where_there_is_no_terminal()
    {
        await using DashboardHost host = await DashboardHost.StartAsync(cluster: null);
        StagedBoard.Fill(host.Board, "m", workers: 4, experts: 8, rank => $"silo-{rank}");
        string port = host.Address.Port.ToString(CultureInfo.InvariantCulture);
        CommandLineRun plain = await CommandLineRun.Of("top", "--dashboard", port);
        Assert.Equal((ExitCode.Done, ""), (plain.ExitCode, plain.Error));
        string[] parts =
        [
            $"moe top, 127.0.0.1:{port}, ", "m, step 100", "loss 2.000", "20,480 tokens/s", "unevenness 1.50", "1.0% of the choices found an expert full", "3 dead experts", "view 3",
            "snapshot of step 80", "A silo-0", "B silo-1", "draining", "training", "25%", "12,345", "3,072/8,192 MiB", "70%", "10%", "20%", "layer 0", "layer 2", "experts travel, 12 copies", "copies where faster, 24 copies",
            "decisions of the director", "step 82, applied: unevenness 1.40 to 1.12 by 1 move in layer 0 (1.10 expected)", "failures", "step 90: Silo silo-0 does not answer.", "A silo was lost; all went back.",
        ];
        Assert.All(parts, part => Assert.Contains(part, plain.Output, StringComparison.Ordinal));

        CommandLineRun json = await CommandLineRun.Of("top", "m", "--dashboard", $"127.0.0.1:{port}", "--json");
        using JsonDocument reading = JsonDocument.Parse(json.Output);
        JsonElement model = reading.RootElement.GetProperty("model");
        Assert.Equal(100, model.GetProperty("status").GetProperty("step").GetInt64());
        Assert.Equal(["silo-0", "silo-1", "silo-2", "silo-3"], model.GetProperty("workers").EnumerateArray().Select(worker => worker.GetProperty("silo").GetString()));
        Assert.Equal(8, model.GetProperty("experts")[0].GetProperty("tokens").GetArrayLength());
        Assert.Equal(["training", "draining", "training", "training"], reading.RootElement.GetProperty("silos").EnumerateArray().Select(silo => silo.GetProperty("state").GetString()));

        // What is not there, and what is wrong together.
        CommandLineRun other = await CommandLineRun.Of("top", "other", "--dashboard", port);
        Assert.Equal((ExitCode.Failed, "moe top: There is no model other; there is: m."), (other.ExitCode, other.Error.TrimEnd()));
        CommandLineRun both = await CommandLineRun.Of("top", "--dashboard", port, "--connect", "127.0.0.1:1");
        Assert.Equal(ExitCode.WrongUsage, both.ExitCode);
        CommandLineRun off = await CommandLineRun.Of("top", "--dashboard", "off");
        Assert.Equal(ExitCode.WrongUsage, off.ExitCode);
        CommandLineRun nobody = await CommandLineRun.Of("top", "--dashboard", Ports.Free().ToString(CultureInfo.InvariantCulture));
        Assert.Equal(ExitCode.Failed, nobody.ExitCode);
        Assert.Matches("^moe top: Nobody serves a dashboard at 127.0.0.1:[0-9]+[.] moe demo, train, cluster and silo serve one", nobody.Error);
    }

    [Theory]
    [InlineData(1, 2)]
    [InlineData(4, 8)]
    [InlineData(64, 256)]
    public async Task No_line_is_wider_than_the_terminal_and_there_are_no_more_than_it_has_rows(int workers, int experts)
    {
        await using DashboardHost host = await DashboardHost.StartAsync(cluster: null);
        StagedBoard.Fill(host.Board, "\u001b[31mm<script>", Math.Max(2, workers), experts, rank => $"silo-{rank}-{new string('x', rank % 40)}");
        await using var board = BoardReader.At(new System.Net.IPEndPoint(System.Net.IPAddress.Loopback, host.Address.Port), Deadline.Patience);
        TopReading reading = await TopReading.OfAsync(board, wanted: null, Cancellation);
        foreach (int width in new[] { 1, 20, 60, 80, 120, 200 })
        {
            foreach (int rows in new[] { 1, 5, 24, 40, 100 })
            {
                string[] shown = ScreenCase.Shown(TopScreen.Of(reading, board.Source, new ScreenCanvas(width, rows), ScreenCase.Now), width);
                Assert.InRange(shown.Length, 1, rows);
                Assert.DoesNotContain('\u001b', string.Concat(shown));
            }
        }
    }

    [Fact]
    public void A_cluster_without_models_a_silo_that_was_lost_and_a_board_that_is_silent_are_said()
    {
        var reading = new TopReading(
            ScreenCase.Now, [new TopSilo("one", "lost", "a"), new TopSilo("two", "ready", "b")], [], null, "The cluster does not answer.");
        string[] shown = ScreenCase.Shown(TopScreen.Of(reading, "here", new ScreenCanvas(80, 24), ScreenCase.Now), 80);
        Assert.Contains("The cluster does not answer.", shown);
        Assert.Contains("There is no model.", shown);
        Assert.Contains(shown, line => line.Contains("one", StringComparison.Ordinal) && line.Contains("lost", StringComparison.Ordinal));
        Assert.Contains(shown, line => line.Contains("two", StringComparison.Ordinal) && line.Contains("ready", StringComparison.Ordinal));
    }
}
