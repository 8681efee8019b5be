using MoEActors.Cli.Screen;
using Spectre.Console;

namespace MoEActors.Cli.Top;

/// <summary>`moe top` on a terminal: reads a board every second and draws it, until it is asked to end.</summary>
/// <param name="console">The terminal.</param>
/// <param name="board">The board.</param>
/// <param name="model">The model to show; null for the one that was last trained.</param>
internal sealed class TopView(IAnsiConsole console, BoardReader board, string? model)
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    /// <summary>Between two looks for a key.</summary>
    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(100);

    /// <summary>Shows it.</summary>
    /// <param name="first">The first reading.</param>
    /// <param name="cancellation">Ends it.</param>
    /// <returns>Whether its user has ended it by a key.</returns>
    public async Task<bool> RunAsync(TopReading first, CancellationToken cancellation)
    {
        TopReading reading = first;
        using var screen = new AlternateScreen(console);
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        Task<TopReading> next = NextAsync(reading, ending.Token);
        (TopReading, ScreenCanvas)? drawn = null;
        while (!cancellation.IsCancellationRequested)
        {
            if (next.IsCompleted)
            {
                reading = await next;
                next = NextAsync(reading, ending.Token);
            }

            var canvas = new ScreenCanvas(Math.Max(1, console.Profile.Width), Math.Max(1, console.Profile.Height));
            if (drawn != (reading, canvas) && !screen.TryDraw(TopScreen.Of(reading, board.Source, canvas, DateTimeOffset.UtcNow)))
            {
                break;
            }

            drawn = (reading, canvas);
            if (IsAskedToEnd())
            {
                await ending.CancelAsync();
                return true;
            }

            await Task.Delay(Tick, cancellation).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        return false;
    }

    /// <summary>Reads again in a second; what cannot be read leaves what was there, and says so.</summary>
    private async Task<TopReading> NextAsync(TopReading before, CancellationToken cancellation)
    {
        await Task.Delay(Interval, cancellation).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        try
        {
            return await TopReading.OfAsync(board, model, cancellation);
        }
        catch (Exception e) when (e is IOException or OperationCanceledException)
        {
            return before with { Problem = $"{e.Message} This is how it was at {before.Time.ToLocalTime():HH:mm:ss}." };
        }
    }

    private static bool IsAskedToEnd()
    {
        while (!Console.IsInputRedirected && Console.KeyAvailable)
        {
            if (char.ToLowerInvariant(Console.ReadKey(intercept: true).KeyChar) == 'q')
            {
                return true;
            }
        }

        return false;
    }
}
