using System.Text.Json;
using MoEActors.Modules.Checkpoints;
using MoEActors.Modules.Optimizers;

namespace MoEActors.Cli.Configuration;

/// <summary>
/// What `moe train --config FILE` reads: a <see cref="RunConfiguration"/>, and what the command line says beside it. What is not in the file
/// is null, or the default of its type.
/// </summary>
internal sealed record TrainFile
{
    /// <summary>Values without a default: nobody should train a model of a shape that they did not choose.</summary>
    private static readonly string[] Required = ["$.model.dim", "$.model.heads", "$.model.keyValueHeads", "$.model.hidden", "$.model.experts"];

    /// <summary>The model.</summary>
    public ModelConfiguration Model { get; init; } = new();

    /// <summary>The optimizer.</summary>
    public OptimizerOptions Optimizer { get; init; } = new();

    /// <summary>Micro-batches of a step.</summary>
    public int? MicroBatches { get; init; }

    /// <summary>Layers that are computed again in backward.</summary>
    public string? Recompute { get; init; }

    /// <summary>Whether replicas of an expert take whole micro-batches.</summary>
    public bool? Reproducible { get; init; }

    /// <summary>Whether the placement follows the load.</summary>
    public bool? Director { get; init; }

    /// <summary>What travels between silos.</summary>
    public string? Parallelism { get; init; }

    /// <summary>Files and folders of text, from the current folder; none for the .NET documentation.</summary>
    public IReadOnlyList<string>? Text { get; init; }

    /// <summary>By entry of the text: how much of what is read is from there.</summary>
    public IReadOnlyList<double>? Weights { get; init; }

    /// <summary>Whether every text is a document that is packed with others.</summary>
    public bool? Packed { get; init; }

    /// <summary>Whether lines that hold no record are left out.</summary>
    public bool? SkipBroken { get; init; }

    /// <summary>What tokens are: a name or a path.</summary>
    public string? Tokenizer { get; init; }

    /// <summary>Sequences per step, on all silos together.</summary>
    public int? Batch { get; init; }

    /// <summary>Number of embedded silos.</summary>
    public int? Silos { get; init; }

    /// <summary>What embedded silos compute on.</summary>
    public string? Device { get; init; }

    /// <summary>Exact number of steps.</summary>
    public int? Steps { get; init; }

    /// <summary>Training time in seconds.</summary>
    public double? Seconds { get; init; }

    /// <summary>Steps between two checkpoints.</summary>
    public int? SaveEvery { get; init; }

    /// <summary>Checkpoints to keep.</summary>
    public int? Keep { get; init; }

    /// <summary>Steps between two measurements of the validation loss.</summary>
    public int? EvalEvery { get; init; }

    /// <summary>Measurements without a lower validation loss after which the run ends.</summary>
    public int? Patience { get; init; }

    /// <summary>Name of the run.</summary>
    public string? Name { get; init; }

    /// <summary>Whether the file says how long the learning-rate schedule is.</summary>
    internal bool HasSchedule { get; private init; }

    /// <summary>Whether the file says how many tokens there are; else the tokenizer does.</summary>
    internal bool HasVocabulary { get; private init; }

    /// <summary>Reads a file.</summary>
    /// <exception cref="UsageException">It is missing, no JSON, or has errors; all of them are named.</exception>
    public static TrainFile Read(string path, bool forEstimate = false)
    {
        try
        {
            return Parse(RegularFile.ReadText(path), path, forEstimate);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw new UsageException($"--config {path} cannot be read: {e.Message}");
        }
    }

    /// <summary>Parses a file's text.</summary>
    internal static TrainFile Parse(string text, string path, bool forEstimate = false)
    {
        var check = new ConfigurationCheck();
        TrainFile file;
        try
        {
            file = check.Read<TrainFile>(ConfigurationCheck.Parse(text), Required);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // The latter is thrown for an escaped half of a surrogate pair.
            throw new UsageException($"--config {path} is no JSON: {e.Message}");
        }

        List<string> errors = [.. check.Errors, .. OptionConflicts.Of(file, forEstimate).Where(error => !check.IsAboutABrokenValue(error))];
        return errors.Count == 0
            ? file with { HasSchedule = check.Has("$.optimizer.totalSteps"), HasVocabulary = check.Has("$.model.vocabulary") }
            : throw new UsageException(
                $"--config {path} has {errors.Count} mistake{(errors.Count == 1 ? "" : "s")}:", errors, "docs/configuration.md explains every value.");
    }
}
