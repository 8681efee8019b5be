using MoEActors.Cli.Progress;
using MoEActors.Cli.Runs;
using MoEActors.Cli.Screen;

namespace MoEActors.Tests.Cli.Screen;

/// <summary>The screen as a whole, on terminals of all sizes.</summary>
public sealed class TrainingScreenTests
{
    public static MatrixTheoryData<int, int> Sizes => new([1, 20, 60, 80, 100, 140, 200], [1, 2, 5, 10, 24, 40, 50]);

    [Theory]
    [MemberData(nameof(Sizes))]
    public void No_line_is_wider_than_the_terminal_and_there_are_no_more_than_it_has_rows(int width, int rows)
    {
        foreach ((int layers, int experts, int silos) in new[] { (1, 2, 1), (4, 8, 4), (24, 256, 32), (2, 3, 2) })
        {
            TrainingProgress progress = ScreenCase.Progress(layers, experts, silos);
            foreach (TrainingProgress one in new[] { progress, progress with { Silos = [.. progress.Silos.Select(silo => silo with { Name = $"{silo.Name}-{new string('x', 90)}" })] } })
            {
                string[] shown = ScreenCase.Screen(one, width, rows, name: "a-run-with-a-very-long-name-that-somebody-gave-it-and-that-goes-on-and-on");
                Assert.InRange(shown.Length, 1, rows);
            }
        }
    }

    [Theory]
    [InlineData(60)]
    [InlineData(80)]
    [InlineData(100)]
    [InlineData(140)]
    [InlineData(200)]
    public void All_parts_are_there_in_forty_rows(int width)
    {
        string shown = string.Join('\n', ScreenCase.Screen(ScreenCase.Progress() with { Director = Director() }, width, 40));
        string[] parts =
        [
            "demo", "step 350/1,200", "29%", "0:24 gone, 0:58 to go", "loss 1.832", "9,120 tokens/s", "learning rate 0.0029",
            "unevenness 1.00; without the director 1.00", "routers undecided between 6.4 of 8 experts", "3.1% of the choices found an expert full",
            "byte frequencies alone give 3.251", "layer 0", "layer 3", "silo-0 25%", "after step 340", "director, step 340: unevenness 1.31 to 1.05 by 1 move in",
            "step 341: layer 2's expert 5",
        ];
        Assert.All(parts, part => Assert.Contains(part, shown, StringComparison.Ordinal));
    }

    /// <summary>A narrow window has all of the words below each other, as long as it is high enough.</summary>
    [Fact]
    public void Forty_columns_lose_no_figure()
    {
        TrainingProgress progress = ScreenCase.Progress() with { Director = Director(), Notes = [new RunNote(341, "layer 2's expert 5, the busiest of silo-0, moved to silo-3")] };
        string shown = string.Join(' ', ScreenCase.Screen(progress, 40, 60).Select(line => line.Trim()));
        string[] parts =
        [
            "unevenness 1.00; without the director 1.00", "routers undecided between 6.4 of 8 experts", "3.1% of the choices found an expert full",
            "director, step 340: unevenness 1.31 to 1.05 by 1 move in layer 2", "step 341: layer 2's expert 5, the busiest of silo-0, moved to silo-3",
        ];
        Assert.All(parts, part => Assert.Contains(part, shown, StringComparison.Ordinal));
    }

    [Fact]
    public void Twenty_four_rows_of_eighty_columns_have_all_but_the_gaps()
    {
        string shown = string.Join('\n', ScreenCase.Screen(ScreenCase.Progress() with { Director = Director() }, 80, 24));
        string[] parts = ["step 350/1,200", "unevenness", "byte frequencies", "layer 3", "silo-3 25%", "just moved", "after step 340", "director, step 340"];
        Assert.All(parts, part => Assert.Contains(part, shown, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(60)]
    [InlineData(80)]
    [InlineData(100)]
    [InlineData(140)]
    public void No_word_is_cut(int width)
    {
        TrainingProgress progress = ScreenCase.Progress() with
        {
            Director = Director(),
            Notes = [new RunNote(1, ScreenCase.Words), new RunNote(2, ScreenCase.Words)],
        };
        string everything = string.Join(' ', ScreenCase.Screen(progress, 10_000, 200));
        string[] known = [.. everything.Split(' '), "…"];
        foreach (string line in ScreenCase.Screen(progress, width, 40))
        {
            string[] words = [.. line.Split(' ', StringSplitOptions.RemoveEmptyEntries).Where(word => word.All(char.IsAsciiLetter))];
            Assert.All(words, word => Assert.Contains(word, known));
        }
    }

    [Fact]
    public void Before_the_first_step_the_screen_says_what_is_done_and_for_how_long()
    {
        ScreenState state = new ScreenState("demo")
            .Enter("starting 4 silos", null, ScreenCase.Now)
            .Enter("timing 14 steps", null, ScreenCase.Now.AddSeconds(1.25))
            .Enter("timing 14 steps", "3 of 14", ScreenCase.Now.AddSeconds(2));
        string[] shown = ScreenCase.Shown(TrainingScreen.Of(state, new ScreenCanvas(80, 24), ScreenCase.Now.AddSeconds(4.3)), 80);
        Assert.Equal(["demo", "", "starting 4 silos, 1.3 s", "timing 14 steps: 3 of 14 ... 3 s"], shown);
        Assert.Equal(["demo", "timing 14 steps: 3 of 14 ... 3 s"], ScreenCase.Shown(TrainingScreen.Of(state, new ScreenCanvas(80, 2), ScreenCase.Now.AddSeconds(4.3)), 80));
    }

    [Fact]
    public void A_phase_after_steps_takes_the_place_of_the_clock()
    {
        ScreenState state = new ScreenState("demo").Report(ScreenCase.Progress()).Enter("measuring the validation loss", null, ScreenCase.Now);
        string first = ScreenCase.Shown(TrainingScreen.Of(state, new ScreenCanvas(100, 24), ScreenCase.Now.AddSeconds(2)), 100)[0];
        Assert.EndsWith("29%  measuring the validation loss ... 2 s", first, StringComparison.Ordinal);
        string next = ScreenCase.Shown(TrainingScreen.Of(state.Report(ScreenCase.Progress()), new ScreenCanvas(100, 24), ScreenCase.Now), 100)[0];
        Assert.EndsWith("29%  0:24 gone, 0:58 to go", next, StringComparison.Ordinal);
    }

    [Fact]
    public void A_run_by_time_is_as_far_as_its_time()
    {
        TrainingProgress progress = ScreenCase.Progress() with { Steps = null };
        Assert.Equal(0.25, (progress with { Elapsed = TimeSpan.FromSeconds(30), Remaining = TimeSpan.FromSeconds(90) }).Fraction);
        Assert.Equal(0, (progress with { Remaining = null }).Fraction);
        Assert.Equal(0.25, (progress with { Step = 10, Steps = 40 }).Fraction);
    }

    private static DirectorReport Director() => new("incremental", [1], null, [Decision(1), Decision(2) with { Step = 338, ConcludedAt = 340 }]);

    private static DecisionReport Decision(long number) => new(
        number, 12, "applied", 14, null, 1, 1000, 0.1, 0,
        [new LayerDecisionReport(2, ["expert 3: silo-0 to silo-1"], new string('y', 900), 1.31, 1.1, 1.05, 2, 1, 2.1, 1.1)]);
}
