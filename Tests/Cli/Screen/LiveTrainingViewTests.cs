using Microsoft.Extensions.Time.Testing;
using MoEActors.Cli.Screen;
using MoEActors.Tests.Support;
using Spectre.Console;
using Spectre.Console.Rendering;
using Spectre.Console.Testing;

namespace MoEActors.Tests.Cli.Screen;

/// <summary>The screen on a terminal: what is drawn when, and what stays.</summary>
public sealed class LiveTrainingViewTests : IDisposable
{
    private const string Enter = "\e[?1049h", Leave = "\e[?1049l", HideCursor = "\e[?25l", ShowCursor = "\e[?25h";

    private readonly TestConsole _console = new TestConsole().Size(new Size(100, 30)).EmitAnsiSequences();
    private readonly FakeTimeProvider _time = new(ScreenCase.Now);
    private readonly StringWriter _errors = new();

    public void Dispose()
    {
        _console.Dispose();
        _errors.Dispose();
    }

    [Fact]
    public async Task The_terminal_gets_its_lines_and_its_cursor_back_and_the_last_state_stays()
    {
        await using (LiveTrainingView view = View())
        {
            for (int step = 1; step <= 50; step++)
            {
                view.Report(ScreenCase.Progress() with { Step = step });
            }

            view.Enter("stopping the silos");
            view.Remark("status.json cannot be written");
        }

        string output = _console.Output;
        Assert.StartsWith(Enter, output, StringComparison.Ordinal);
        Assert.Contains(HideCursor, output, StringComparison.Ordinal);
        int left = output.IndexOf(Leave, StringComparison.Ordinal);
        Assert.InRange(output.IndexOf(ShowCursor, StringComparison.Ordinal), 0, left);
        string stays = output[left..];
        Assert.Contains("50/1,200", stays, StringComparison.Ordinal);
        Assert.DoesNotContain("stopping", stays, StringComparison.Ordinal);
        Assert.DoesNotContain("\e[H", stays, StringComparison.Ordinal);
        Assert.EndsWith("\n", stays, StringComparison.Ordinal);
        Assert.Equal("status.json cannot be written", _errors.ToString().Trim());
    }

    [Fact]
    public async Task A_run_that_ends_before_its_first_step_leaves_nothing()
    {
        await using (LiveTrainingView view = View())
        {
            view.Enter("starting 4 silos");
        }

        Assert.EndsWith(Leave, _console.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task It_is_drawn_anew_when_something_is_new_a_second_is_over_or_the_window_has_another_size()
    {
        Frames frames = new();
        _console.Pipeline.Attach(frames);
        await using LiveTrainingView view = View();
        view.Enter("starting 4 silos");
        await UntilAsync(() => frames.Last.Contains("starting 4 silos ... ", StringComparison.Ordinal));
        string first = frames.Last;
        await UntilAsync(() => frames.Last != first);
        Assert.Contains("starting 4 silos ... ", frames.Last, StringComparison.Ordinal);
        view.Report(ScreenCase.Progress());
        await UntilAsync(() => frames.Last.Contains("350/1,200", StringComparison.Ordinal));
        Assert.InRange(frames.Last.Split('\n').Length, 20, 30);
        foreach ((int width, int rows) in new[] { (60, 4), (80, 24), (30, 1), (140, 50) })
        {
            _console.Size(new Size(width, rows));
            await UntilAsync(() => frames.Last.Split('\n') is var lines && lines.Length <= rows && lines.Max(line => line.Length) is var longest && longest <= width && longest > width / 2);
        }
    }

    [Fact]
    public async Task It_is_not_drawn_more_often_than_the_eye_needs()
    {
        Frames frames = new();
        _console.Pipeline.Attach(frames);
        await using LiveTrainingView view = View();
        await UntilAsync(() => frames.Count > 0);
        for (int step = 1; step <= 1000; step++)
        {
            view.Report(ScreenCase.Progress() with { Step = step });
        }

        await UntilAsync(() => frames.Last.Contains("step 1,000/", StringComparison.Ordinal));
        Assert.InRange(frames.Count, 2, 10);
    }

    [Fact]
    public void A_picture_never_scrolls_the_terminal_and_erases_what_was_there()
    {
        using (AlternateScreen screen = new(_console))
        {
            Assert.True(screen.TryDraw([.. Enumerable.Range(0, 30).Select(row => ScreenLine.Of($"row {row}"))]));
            string full = _console.Output[_console.Output.LastIndexOf("\e[H", StringComparison.Ordinal)..];
            Assert.Equal(29, full.Count(c => c == '\n'));
            Assert.Equal(30, full.Split("\e[K").Length - 1);
            Assert.True(screen.TryDraw([ScreenLine.Of("one")]));
            Assert.EndsWith("\e[J\e[?2026l", _console.Output, StringComparison.Ordinal);
            screen.Dispose();
            Assert.False(screen.TryDraw([ScreenLine.Of("late")]));
        }

        Assert.Equal(1, _console.Output.Split(Leave).Length - 1);
    }

    private LiveTrainingView View() => new(_console, _errors, "demo", _time);

    /// <summary>Lets the view's clock go on until it has drawn something.</summary>
    private Task UntilAsync(Func<bool> isSo) => Deadline.UntilAsync(
        () =>
        {
            _time.Advance(TimeSpan.FromMilliseconds(250));
            return Task.FromResult(isSo());
        },
        "the screen was drawn");

    /// <summary>What was drawn, as text.</summary>
    private sealed class Frames : IRenderHook
    {
        private int _count;
        private volatile string _last = "";

        public string Last => _last;

        public int Count => Volatile.Read(ref _count);

        public IEnumerable<IRenderable> Process(RenderOptions options, IEnumerable<IRenderable> renderables)
        {
            IRenderable[] drawn = [.. renderables];
            _last = string.Concat(drawn.SelectMany(one => one.Render(options, options.ConsoleSize.Width)).Where(segment => !segment.IsControlCode).Select(segment => segment.Text))
                .TrimEnd('\n');
            Interlocked.Increment(ref _count);
            return drawn;
        }
    }
}
