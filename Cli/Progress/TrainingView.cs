using Spectre.Console;

namespace MoEActors.Cli.Progress;

/// <summary>Where a training run is watched. Reporting never waits for the view; disposing it shows the last report.</summary>
internal interface ITrainingView : IAsyncDisposable
{
    /// <summary>Shows the state of the run. May be called from any thread, one at a time.</summary>
    void Report(TrainingProgress progress);
}

/// <summary>Chooses the view: a panel that is redrawn on a terminal, plain lines elsewhere.</summary>
internal static class TrainingView
{
    public static ITrainingView Open(CommandOutput output) =>
        output.IsTerminal && AnsiConsole.Profile.Capabilities.Ansi
            ? new LiveTrainingView(AnsiConsole.Console)
            : new PlainTrainingView(output.Out, TimeProvider.System);
}
