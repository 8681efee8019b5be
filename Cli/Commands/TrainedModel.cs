using MoEActors.Cli.Invocation;
using MoEActors.Client.Data;
using MoEActors.Modules.Optimizers;

namespace MoEActors.Cli.Commands;

/// <summary>The model that `moe train` is asked for: that of the file, if one is named, with what the options say.</summary>
internal static class TrainedModel
{
    /// <summary>The run.</summary>
    /// <exception cref="UsageException">Options and file contradict each other.</exception>
    public static RunConfiguration Of(TrainOptions options)
    {
        ModelConfiguration model = options.File?.Model ?? new ModelConfiguration { Vocabulary = ByteBatches.Vocabulary };
        OptimizerOptions optimizer = options.File?.Optimizer ?? new OptimizerOptions();
        var run = new RunConfiguration
        {
            MicroBatches = Math.Min(options.Batch, options.File?.MicroBatches ?? DemoModel.MicroBatches),
            Reproducible = options.File?.Reproducible ?? true,
            Model = model with
            {
                Dim = options.Dimension,
                Heads = options.Heads,
                KeyValueHeads = options.KeyValueHeads,
                Hidden = options.Hidden,
                Experts = options.ExpertsByLayer ?? [.. Enumerable.Repeat(options.Experts, options.Layers)],
                Gate = model.Gate with { TopK = options.TopK },
                MaximumSequence = options.Sequence,
                Seed = (ulong)options.Seed,
            },
            Recompute = options.Recompute,
            Optimizer = optimizer with { LearningRate = (float)options.LearningRate },
        };
        try
        {
            run.Validate();
        }
        catch (ModelConfigurationException e)
        {
            throw new UsageException(string.Join(' ', e.Errors));
        }

        return run.Model.Vocabulary == ByteBatches.Vocabulary
            ? run
            : throw new UsageException($"$.model.vocabulary is {run.Model.Vocabulary}; moe train reads bytes, {ByteBatches.Vocabulary} of them.");
    }
}
