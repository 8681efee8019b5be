using Microsoft.Extensions.Time.Testing;
using MoEActors.Cli.Progress;
using MoEActors.Cli.Runs;

namespace MoEActors.Tests.Cli.Progress;

/// <summary>What a run says in logs and pipes.</summary>
public sealed class PlainTrainingViewTests : IDisposable
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
        Silos = [new("alpha", 0.4), new("beta", 0.6)],
        Layers = [new(0, [new(0.4, [0]), new(1.2, [0]), new(1.6, [1]), new(0.8, [1])])],
    };

    private readonly FakeTimeProvider _time = new();
    private readonly StringWriter _writer = new();
    private readonly StringWriter _remarks = new();

    public void Dispose()
    {
        _writer.Dispose();
        _remarks.Dispose();
    }

    [Fact]
    public async Task Lines_come_first_every_few_seconds_and_last()
    {
        await using (PlainTrainingView view = View())
        {
            view.Report(Sample);
            view.Report(Sample with { Step = 121 });
            _time.Advance(TimeSpan.FromSeconds(5));
            view.Report(Sample with { Step = 122 });
            view.Report(Sample with { Step = 123 });
            view.Report(Sample with { Step = 124 });
        }

        Assert.Equal(["step 120/1,000", "step 122/1,000", "step 124/1,000"], Lines.Select(line => line.Split(", ")[0]));
        Assert.Equal(
            "step 120/1,000, loss 1.832, 9,120 tokens/s, learning rate 0.00090, a silo has 40 to 60% of the work, the busiest expert 1.6 times the mean, 0:14 gone, 1:45 to go",
            Lines[0]);
    }

    [Fact]
    public async Task A_step_is_told_of_once()
    {
        await using (PlainTrainingView view = View())
        {
            view.Report(Sample);
            view.Report(Sample);
            view.Enter("saving the checkpoint");
            _time.Advance(TimeSpan.FromSeconds(9));
            view.Report(Sample);
        }

        Assert.Equal(["step 120/1,000", "saving the checkpoint ..."], Lines.Select(line => line.Split(", ")[0]));
    }

    [Fact]
    public void Phases_are_told_of_when_they_begin_and_how_far_they_are_every_other_second()
    {
        PlainTrainingView view = View();
        view.Enter("starting 4 silos");
        view.Enter("timing", "1 of 14");
        view.Enter("timing", "2 of 14");
        _time.Advance(TimeSpan.FromSeconds(2));
        view.Enter("timing", "3 of 14");
        view.Enter("timing", "4 of 14");
        view.Enter("making the model");
        view.Enter("making the model");
        view.Report(Sample);
        view.Report(Sample with { Step = 121 });
        view.Enter("saving a checkpoint");
        view.Report(Sample with { Step = 122 });
        view.Enter("saving a checkpoint");
        Assert.Equal(
            [
                "starting 4 silos ...", "timing ...", "timing: 3 of 14 ...", "making the model ...", "step 120/1,000", "step 121/1,000", "saving a checkpoint ...",
                "step 122/1,000", "saving a checkpoint ...",
            ],
            Lines.Select(line => line.Split(", ")[0]));
    }

    [Fact]
    public void What_there_is_to_tell_is_told_in_words()
    {
        View().Report(Sample with
        {
            RouterEntropy = Math.Log(3.21),
            DroppedShare = 0.0314,
            Balance = 1.04,
            BalanceAsBegun = 1.26,
            Director = new DirectorReport("incremental", [1], null, []),
        });
        Assert.Contains(
            "learning rate 0.00090, unevenness 1.04; without the director 1.26, routers undecided between 3.2 of 4 experts, 3.1% of the choices found an expert full, ",
            Lines[0], StringComparison.Ordinal);
    }

    [Fact]
    public void Notes_samples_and_remarks_are_told_once()
    {
        PlainTrainingView view = View();
        RunNote moved = new(3, "expert 3 moved to beta"), joined = new(7, "silo gamma joined");
        WrittenSample sample = new(5, "Gets the", "\n\e[31mvalue\tof");
        view.Report(Sample with { Notes = [moved] });
        view.Report(Sample with { Notes = [moved, joined], Sample = sample });
        view.Report(Sample with { Notes = [moved, joined], Sample = sample });
        view.Remark("status.json cannot be written");
        Assert.Equal(
            ["step 3: expert 3 moved to beta", "step 7: silo gamma joined", "after step 5 the model goes on from \"Gets the\":  \\x1b[31mvalue of"],
            Lines.Where(line => !line.StartsWith("step 120", StringComparison.Ordinal)));
        Assert.Equal("status.json cannot be written", _remarks.ToString().Trim());
    }

    [Theory]
    [InlineData(40)]
    [InlineData(80)]
    public void On_a_terminal_lines_end_between_words(int width)
    {
        PlainTrainingView view = new(_writer, _remarks, _time, width);
        view.Report(Sample);
        Assert.All(Lines, line => Assert.InRange(line.Length, 1, width));
        Assert.Contains(", a silo has 40 to 60% of the work, ", string.Join(' ', Lines), StringComparison.Ordinal);
    }

    private string[] Lines => _writer.ToString().ReplaceLineEndings("\n").Split('\n', StringSplitOptions.RemoveEmptyEntries);

    private PlainTrainingView View() => new(_writer, _remarks, _time);
}
