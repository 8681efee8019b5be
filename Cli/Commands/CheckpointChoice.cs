using System.CommandLine;
using MoEActors.Cli.Runs;
using MoEActors.Client.Tokens;
using MoEActors.Modules.Checkpoints;

namespace MoEActors.Cli.Commands;

/// <summary>How commands are told which model to work on: the NAME of a run, whose newest checkpoint it is, or the folder of a checkpoint.</summary>
internal sealed class CheckpointChoice
{
    private readonly Argument<string?> _name = SharedOptions.OptionalRunName(", whose newest checkpoint is meant");
    private readonly Option<string?> _checkpoint = TextOption.Optional("--checkpoint", "FOLDER", "Folder of a checkpoint, instead of NAME.");
    private readonly Option<string> _runs = SharedOptions.Runs();

    /// <summary>Adds the choice to a command.</summary>
    public CheckpointChoice AddTo(Command command)
    {
        command.Add(_name);
        command.Add(_checkpoint);
        command.Add(_runs);
        return this;
    }

    /// <summary>The folder of runs.</summary>
    public string Runs(ParseResult parsed) => parsed.GetRequiredValue(_runs);

    /// <summary>The run that was named, and the folder of its checkpoint.</summary>
    /// <exception cref="UsageException">Both were given, or neither, or NAME is no name.</exception>
    /// <exception cref="FileNotFoundException">There is no run of that name.</exception>
    public (RunFolder Run, string Checkpoint) Of(ParseResult parsed)
    {
        (string? name, string? checkpoint) = (parsed.GetValue(_name), parsed.GetValue(_checkpoint));
        UsageException.ThrowUnless(name is not null || checkpoint is not null, "the NAME of a run or --checkpoint FOLDER must be given.");
        UsageException.ThrowUnless(name is null || checkpoint is null, "NAME and --checkpoint exclude each other.");
        if (checkpoint is not null)
        {
            // A run's own folder may be given for its newest checkpoint.
            return File.Exists(Path.Combine(checkpoint, CheckpointFolder.IndexFile)) || RunFolder.At(checkpoint) is not { HoldsRecord: true } around
                ? (RunFolder.OfCheckpoint(checkpoint), checkpoint)
                : (around, around.Checkpoint);
        }

        var run = RunFolder.Existing(Runs(parsed), name!);
        return (run, run.Checkpoint);
    }

    /// <summary>Opens a checkpoint, and says what is known against it.</summary>
    /// <exception cref="CheckpointException">There is none that can be read.</exception>
    public static CheckpointFolder Open(string folder, CommandOutput output)
    {
        var checkpoint = CheckpointFolder.Open(folder);
        if (!checkpoint.HasChecksums)
        {
            output.Error.WriteLine(
                $"The checkpoint in {folder} has no checksums, as earlier versions wrote none: damage in it would not be noticed. The next save adds them.");
        }

        return checkpoint;
    }

    /// <summary>What the tokens of a model are: the tokenizer that is named, else the one of its run, else bytes.</summary>
    /// <param name="named">The name or path that was given; null for none.</param>
    /// <param name="run">The run around the checkpoint.</param>
    /// <param name="checkpoint">The checkpoint.</param>
    /// <exception cref="UsageException">It is not there, or does not fit the model.</exception>
    public static TextTokenizer TokenizerOf(string? named, RunFolder run, CheckpointFolder checkpoint) =>
        (named is null ? run.ReadRunFile()?.Reading ?? TextReading.Plain : TextReading.Plain.With(named)).OpenFor(checkpoint.Run.Model, "the checkpoint");
}
