using MoEActors.Cli.Progress;
using Spectre.Console;

namespace MoEActors.Cli.Screen;

/// <summary>
/// A screen that follows the run. It has the terminal's second buffer to itself while the run goes on, so that no size of the window can
/// make it scroll or leave parts of itself behind; when it ends, what it showed last stays among the other lines.
/// </summary>
internal sealed class LiveTrainingView : ITrainingView
{
    /// <summary>Often enough to the eye; the processor is the run's.</summary>
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(250);

    /// <summary>Clocks on the screen move every second, whether something is reported or not.</summary>
    private static readonly TimeSpan Tick = TimeSpan.FromSeconds(1);

    /// <summary>Rows of what stays at the end.</summary>
    private const int LeastRows = 22, MostRows = 40;

    private readonly IAnsiConsole _console;
    private readonly TextWriter _errors;
    private readonly TimeProvider _time;
    private readonly AlternateScreen _screen;
    private readonly CancellationTokenSource _ending = new();
    private readonly Task _drawing;
    private readonly List<string> _remarks = [];
    private volatile ScreenState _state;

    /// <summary>Takes the screen.</summary>
    /// <param name="console">A terminal.</param>
    /// <param name="errors">Where remarks go when the screen is over.</param>
    /// <param name="name">Name of the run.</param>
    /// <param name="time">The clock.</param>
    public LiveTrainingView(IAnsiConsole console, TextWriter errors, string name, TimeProvider time)
    {
        (_console, _errors, _time) = (console, errors, time);
        _state = new ScreenState(name);
        _screen = new AlternateScreen(console);
        _drawing = Task.Run(DrawAsync);
    }

    public void Enter(string phase, string? detail = null) => Change(state => state.Enter(phase, detail, _time.GetUtcNow()));

    public void Report(TrainingProgress progress) => Change(state => state.Report(progress));

    public void Announce(string line) => Change(state => state with { Announcement = line });

    public void Remark(string text)
    {
        lock (_remarks)
        {
            _remarks.Add(text);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _ending.CancelAsync();
        try
        {
            await _drawing;
        }
        finally
        {
            _screen.Dispose();
            _ending.Dispose();
        }

        if (_state.Progress is not null)
        {
            int rows = Math.Clamp(_console.Profile.Height - 1, LeastRows, MostRows);
            AlternateScreen.TryWrite(_console, TrainingScreen.Of(_state with { Phase = null }, Canvas(rows), _time.GetUtcNow()), isDrawnOver: false);
        }

        lock (_remarks)
        {
            _remarks.ForEach(_errors.WriteLine);
        }
    }

    /// <summary>The dashboard is announced beside the run.</summary>
    private void Change(Func<ScreenState, ScreenState> change)
    {
        lock (_remarks)
        {
            _state = change(_state);
        }
    }

    /// <summary>Draws what is new, at most a few times a second.</summary>
    private async Task DrawAsync()
    {
        (ScreenState State, ScreenCanvas Canvas)? drawn = null;
        long drawnAt = 0;
        using var timer = new PeriodicTimer(Interval, _time);
        do
        {
            (ScreenState State, ScreenCanvas Canvas) now = (_state, Canvas(_console.Profile.Height));
            if (now != drawn || _time.GetElapsedTime(drawnAt) >= Tick)
            {
                (drawn, drawnAt) = (now, _time.GetTimestamp());
                if (!_screen.TryDraw(TrainingScreen.Of(now.State, now.Canvas, _time.GetUtcNow())))
                {
                    return;
                }
            }
        }
        while (await WaitAsync(timer));
    }

    private async Task<bool> WaitAsync(PeriodicTimer timer)
    {
        try
        {
            return await timer.WaitForNextTickAsync(_ending.Token);
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    private ScreenCanvas Canvas(int rows) => new(Math.Max(1, _console.Profile.Width), Math.Max(1, rows));
}
