using Spectre.Console;

namespace MoEActors.Cli.Progress;

/// <summary>Chooses the view: a panel that is redrawn where a person watches, plain lines elsewhere.</summary>
internal static class TrainingView
{
    public static ITrainingView Open(CommandOutput output) =>
        output.IsTerminal && AnsiConsole.Profile.Capabilities.Ansi
            ? new LiveTrainingView(AnsiConsole.Console)
            : new PlainTrainingView(output.Out, TimeProvider.System);
}
