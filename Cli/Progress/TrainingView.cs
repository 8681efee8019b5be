using MoEActors.Cli.Invocation;
using Spectre.Console;

namespace MoEActors.Cli.Progress;

/// <summary>Where a training run is watched. Reports never wait for the view; disposing shows the last one.</summary>
internal interface ITrainingView : IAsyncDisposable
{
    /// <summary>Shows how the run stands. May be called from any thread, one at a time.</summary>
    void Report(TrainingProgress progress);
}

/// <summary>Chooses the view: a panel that is redrawn where a person watches, plain lines elsewhere.</summary>
internal static class TrainingView
{
    public static ITrainingView Open(CommandOutput output) =>
        output.IsTerminal && AnsiConsole.Profile.Capabilities.Ansi
            ? new LiveTrainingView(AnsiConsole.Console)
            : new PlainTrainingView(output.Out, TimeProvider.System);
}
