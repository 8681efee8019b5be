using System.CommandLine;
using MoEActors.Cli.Training;

namespace MoEActors.Cli.Commands;

/// <summary>`moe resume`: a run goes on from its checkpoint, as if it had never stopped.</summary>
internal sealed class ResumeCommand
{
    private readonly Argument<string?> _name = new("NAME")
    {
        Description = "Name of the run: its folder below runs/.",
        Arity = ArgumentArity.ZeroOrOne,
    };

    private readonly Option<string?> _checkpoint = new("--checkpoint") { Description = "Folder of a checkpoint, instead of NAME.", HelpName = "FOLDER" };

    private readonly Option<string> _runs = RunsOption.Create();

    private readonly Option<int?> _steps = NumberOption.OptionalCount(
        "--steps", "Stop after this step, those already done included; without it, where the run was to stop.");

    private readonly Option<double?> _seconds = NumberOption.OptionalSeconds("Train so many seconds at most.");

    private readonly Option<string[]> _text = TextOption.Create("the run's own");

    private readonly Option<int?> _silos = NumberOption.OptionalCount("--silos", "Number of embedded silos; without it, as many as before.");

    private readonly Option<string?> _json = new("--json") { Description = "Write the result to a file as JSON.", HelpName = "FILE" };

    public static Command Create() => new ResumeCommand().Build();

    private Command Build()
    {
        Command command = new("resume", "Go on with a run from its checkpoint: the result is that of never having stopped.")
        {
            _name, _checkpoint, _runs, _steps, _seconds, _text, _silos, _json,
        };
        command.Runs(Read, Run);
        return command;
    }

    private ResumeOptions Read(ParseResult parsed) => new()
    {
        Name = parsed.GetValue(_name),
        Checkpoint = parsed.GetValue(_checkpoint),
        Runs = parsed.GetRequiredValue(_runs),
        Steps = parsed.GetValue(_steps),
        Seconds = parsed.GetValue(_seconds),
        Text = parsed.GetValue(_text) ?? [],
        Silos = parsed.GetValue(_silos),
        Json = parsed.GetValue(_json),
    };

    private static async Task<int> Run(ResumeOptions options, CommandOutput output, CancellationToken cancellation)
    {
        TrainingJob job = ResumedJob.Of(options, output);
        output.Out.WriteLine($"Going on with {job.Name} after step {job.Resume!.Step}.");
        TrainingResult result = await TrainingSession.RunAsync(job, output, cancellation);
        TrainingReport.Write(result, options.Json, output);
        return ExitCode.Done;
    }
}
