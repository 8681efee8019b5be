using System.CommandLine;
using MoEActors.Cli.Training;

namespace MoEActors.Cli.Commands;

/// <summary>`moe demo`: a language model learns from the .NET documentation on a cluster of embedded silos.</summary>
internal sealed class DemoCommand
{
    private static readonly DemoOptions Defaults = new();

    private readonly Option<string?> _json = new("--json") { Description = "Write the result to a file as JSON.", HelpName = "FILE" };

    private readonly Option<int> _silos = NumberOption.Count("--silos", "Number of embedded silos.", Defaults.Silos);

    private readonly Option<double> _seconds = NumberOption.Seconds("Training time in seconds.", Defaults.Seconds);

    private readonly Option<int?> _steps =
        NumberOption.OptionalCount("--steps", "Train exactly so many steps, however long they take.");

    private readonly Option<long> _seed = NumberOption.Seed(Defaults.Seed);

    private readonly Option<string> _output = new("--output")
    {
        Description = "Folder of the run: checkpoint and status.",
        HelpName = "FOLDER",
        DefaultValueFactory = _ => Defaults.Output,
    };

    private readonly Option<bool> _noDirector = DirectorOption.Create();

    public static Command Create() => new DemoCommand().Build();

    private Command Build()
    {
        Command command = new("demo", "Watch a language model with experts learn from the .NET documentation, on a cluster in this process.")
        {
            _json, _silos, _seconds, _steps, _seed, _output, _noDirector,
        };
        command.Runs(Read, Run);
        return command;
    }

    private DemoOptions Read(ParseResult parsed) => new()
    {
        Json = parsed.GetValue(_json),
        Silos = parsed.GetValue(_silos),
        Seconds = parsed.GetValue(_seconds),
        Steps = parsed.GetValue(_steps),
        Seed = parsed.GetValue(_seed),
        Output = parsed.GetRequiredValue(_output),
        Director = !parsed.GetValue(_noDirector),
    };

    private static async Task<int> Run(DemoOptions options, CommandOutput output, CancellationToken cancellation)
    {
        output.Out.WriteLine($"MoEActors demo: a mixture-of-experts language model learns from the .NET documentation on {options.Silos} silos.");
        TrainingJob job = DemoModel.Job(options, TextSource.Read([], output));
        TrainingResult result = await TrainingSession.RunAsync(job, output, cancellation);
        TrainingReport.Write(result, options.Json, output);
        return ExitCode.Done;
    }
}
