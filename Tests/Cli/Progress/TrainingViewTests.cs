using Microsoft.Extensions.Time.Testing;
using MoEActors.Cli.Progress;
using Spectre.Console;
using Spectre.Console.Testing;

namespace MoEActors.Tests.Cli.Progress;

public sealed class TrainingViewTests
{
    private static readonly TrainingProgress Sample = new()
    {
        Step = 120,
        Steps = 1000,
        Loss = 1.8324,
        LearningRate = 9e-4,
        TokensPerSecond = 9120.4,
        Elapsed = TimeSpan.FromSeconds(14),
        Remaining = TimeSpan.FromSeconds(105),
        Silos = ["alpha", "beta"],
        ExpertLoads = [[10, 30], [40, 20]],
    };

    [Fact]
    public async Task Plain_lines_come_first_every_few_seconds_and_last()
    {
        FakeTimeProvider time = new();
        using StringWriter writer = new();
        await using (PlainTrainingView view = new(writer, time))
        {
            view.Report(Sample);
            view.Report(Sample with { Step = 121 });
            time.Advance(TimeSpan.FromSeconds(5));
            view.Report(Sample with { Step = 122 });
            view.Report(Sample with { Step = 123 });
            view.Report(Sample with { Step = 124 });
        }

        string[] lines = writer.ToString().ReplaceLineEndings("\n").Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(["step 120/1,000", "step 122/1,000", "step 124/1,000"], lines.Select(line => line.Split("  ")[0]));
        Assert.Equal(
            "step 120/1,000  loss 1.832  tokens/s 9,120  rate 9.0e-4  time 0:14  ETA 1:45  load alpha 40% beta 60%, busiest expert 1.6x",
            lines[0]);
    }

    [Fact]
    public async Task Routing_is_shown_where_there_is_any()
    {
        FakeTimeProvider time = new();
        using StringWriter writer = new();
        await using (PlainTrainingView view = new(writer, time))
        {
            view.Report(Sample with { RouterEntropy = 1.857, DroppedShare = 0.0314 });
        }

        Assert.Contains("  rate 9.0e-4  entropy 1.86  dropped 3.1%  time 0:14", writer.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Every_note_is_written_once()
    {
        FakeTimeProvider time = new();
        using StringWriter writer = new();
        PlainTrainingView view = new(writer, time);
        view.Report(Sample with { Notes = ["expert 3 moved to beta"] });
        view.Report(Sample with { Notes = ["expert 3 moved to beta", "silo gamma joined"] });
        Assert.Equal(1, Count(writer, "expert 3 moved to beta"));
        Assert.Equal(1, Count(writer, "silo gamma joined"));
    }

    [Fact]
    public void The_panel_shows_figures_and_a_cell_per_expert()
    {
        using TestConsole console = new TestConsole().Width(100);
        console.Write(TrainingPanel.Of(Sample with { Notes = ["[1] expert 3 moved"] }));
        string text = console.Output;
        Assert.All(["120/1,000", "1.832", "9,120", "1:45", "alpha", "beta", "[1] expert 3 moved"], word => Assert.Contains(word, text));
        Assert.Equal(4, text.Count(c => c == '■'));
    }

    [Fact]
    public async Task The_live_view_ends_with_the_last_report()
    {
        using TestConsole console = new TestConsole().Width(100).EmitAnsiSequences();
        await using (LiveTrainingView view = new(console))
        {
            for (int step = 1; step <= 50; step++)
            {
                view.Report(Sample with { Step = step });
            }
        }

        Assert.Contains("50/1,000", console.Output);
    }

    [Fact]
    public void A_run_by_time_is_as_far_as_its_time()
    {
        Assert.Equal(0.25, (Sample with { Steps = null, Elapsed = TimeSpan.FromSeconds(30), Remaining = TimeSpan.FromSeconds(90) }).Fraction);
        Assert.Equal(0, (Sample with { Steps = null, Remaining = null }).Fraction);
        Assert.Equal(0.12, Sample.Fraction);
    }

    [Fact]
    public void Many_experts_share_cells_and_the_busiest_shows()
    {
        long[] row = new long[100];
        row[57] = 100;
        ExpertLoad load = new([row, new long[100]]);
        double[] cells = [.. load.Cells(0, 10)];
        Assert.Equal(10, cells.Length);
        Assert.Equal(200, cells[5]);
        Assert.Equal(200, cells.Sum());
        Assert.Equal(1, load.Share(0));
        Assert.All(new ExpertLoad([new long[3]]).Cells(0, 10), cell => Assert.Equal(0, cell));
    }

    private static int Count(StringWriter writer, string text) => writer.ToString().Split(text).Length - 1;
}
