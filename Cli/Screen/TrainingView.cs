using MoEActors.Cli.Progress;
using Spectre.Console;

namespace MoEActors.Cli.Screen;

/// <summary>Chooses the view of a run: a screen on a terminal that can be drawn over, plain lines elsewhere.</summary>
internal static class TrainingView
{
    /// <summary>Opens the view.</summary>
    /// <param name="output">Where the command writes.</param>
    /// <param name="name">Name of the run.</param>
    public static ITrainingView Open(CommandOutput output, string name) =>
        output.IsTerminal && AnsiConsole.Profile.Capabilities is { Ansi: true, Unicode: true }
            ? new LiveTrainingView(AnsiConsole.Console, output.Error, name, TimeProvider.System)
            : new PlainTrainingView(output.Out, output.Error, TimeProvider.System, output.IsTerminal ? AnsiConsole.Profile.Width : null);
}
