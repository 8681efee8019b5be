using MoEActors.Benchmarks;
using MoEActors.Cli.Configuration;
using MoEActors.Cli.Training;
using MoEActors.Client.Data;
using MoEActors.Client.Tokens;

namespace MoEActors.Cli.Commands;

/// <summary>What `moe bench` and `moe simulate record` train: the demo, or the run of a file.</summary>
internal static class ConfiguredRun
{
    /// <summary>Reads the run and its text.</summary>
    /// <param name="config">A file as `moe train --config` reads it; null for the demo.</param>
    /// <param name="output">Where remarks on the text go.</param>
    /// <param name="paths">Files and folders of text; none for those of the file, or the .NET documentation.</param>
    /// <param name="schedule">Length of the learning-rate schedule, unless the file has one.</param>
    /// <exception cref="UsageException">The file cannot be trained.</exception>
    public static TrainedRun Read(string? config, CommandOutput output, IReadOnlyList<string>? paths = null, int? schedule = null)
    {
        TrainFile? file = config is null ? null : TrainFile.Read(config);
        var text = WindowText.Read(paths is { Count: > 0 } ? paths : file?.Text ?? [], output with { Out = output.Error });
        int sequences = file is null ? DemoModel.Sequences : file.Batch ?? TrainCommand.DefaultBatch;
        RunConfiguration run = file is null
            ? DemoModel.Run(SharedOptions.DefaultSeed)
            : new RunConfiguration
            {
                MicroBatches = MicroBatches(file, sequences),
                Model = file.Model with { Vocabulary = ByteBatches.Vocabulary },
                Optimizer = file.Optimizer,
            };
        run.Require();
        if (schedule is { } steps && file is not { HasSchedule: true })
        {
            run = run with { Optimizer = run.Optimizer.OfSteps(steps) };
        }

        return new TrainedRun(run, text.Corpus, sequences) { Director = file?.Director ?? true };
    }

    /// <summary>The run of a file, with a schedule as the file has it.</summary>
    /// <param name="file">The file.</param>
    /// <param name="tokenizer">What its tokens are.</param>
    /// <exception cref="UsageException">It cannot be trained on such tokens.</exception>
    public static RunConfiguration Of(TrainFile file, TextTokenizer tokenizer)
    {
        var run = new RunConfiguration
        {
            MicroBatches = MicroBatches(file, file.Batch ?? TrainCommand.DefaultBatch),
            Model = file.Model with { Vocabulary = VocabularyOf(file, tokenizer) },
            Optimizer = file.Optimizer,
            Recompute = file.Recompute ?? LayerSelection.None,
            Reproducible = file.Reproducible ?? true,
        };
        run.Require();
        return run;
    }

    /// <summary>The number of tokens of a run: the tokenizer's, which a file may name and not change.</summary>
    /// <exception cref="UsageException">The file has another.</exception>
    public static int VocabularyOf(TrainFile? file, TextTokenizer tokenizer)
    {
        UsageException.ThrowUnless(
            file is not { HasVocabulary: true } || file.Model.Vocabulary == tokenizer.Vocabulary,
            $"$.model.vocabulary is {file?.Model.Vocabulary}; the tokenizer {tokenizer.Name} has {tokenizer.Vocabulary} tokens.");
        return tokenizer.Vocabulary;
    }

    /// <summary>Micro-batches of a step of so many sequences.</summary>
    public static int MicroBatches(TrainFile? file, int sequences) => Math.Min(sequences, file?.MicroBatches ?? DemoModel.MicroBatches);

    /// <summary>Refuses a run that cannot work.</summary>
    /// <exception cref="UsageException">All mistakes.</exception>
    public static void Require(this RunConfiguration run) => Require(run.Validate);

    /// <summary>Refuses a run that cannot even be estimated.</summary>
    /// <exception cref="UsageException">All mistakes.</exception>
    public static void RequireForEstimate(this RunConfiguration run) => Require(run.ValidateForEstimate);

    private static void Require(Action validate)
    {
        try
        {
            validate();
        }
        catch (ModelConfigurationException e)
        {
            throw new UsageException(string.Join(' ', e.Errors));
        }
    }
}
