using System.Threading.Channels;
using Spectre.Console;

namespace MoEActors.Cli.Progress;

/// <summary>A panel on the terminal that follows the newest report; reports that come faster than it draws are skipped.</summary>
internal sealed class LiveTrainingView : ITrainingView
{
    private readonly Channel<TrainingProgress> _newest = Channel.CreateBounded<TrainingProgress>(
        new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropOldest, SingleReader = true });

    private readonly Task _drawing;

    public LiveTrainingView(IAnsiConsole console) => _drawing = Task.Run(() => DrawAsync(console));

    /// <inheritdoc />
    public void Report(TrainingProgress progress) => _newest.Writer.TryWrite(progress);

    /// <inheritdoc />
    public async ValueTask DisposeAsync()
    {
        _newest.Writer.TryComplete();
        await _drawing;
    }

    private Task DrawAsync(IAnsiConsole console) => console.Live(new Text("Starting ...")).StartAsync(async screen =>
    {
        await foreach (TrainingProgress progress in _newest.Reader.ReadAllAsync())
        {
            screen.UpdateTarget(TrainingPanel.Of(progress));
        }
    });
}
