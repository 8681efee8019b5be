using MoEActors.Cli.Configuration;
using MoEActors.Cli.Runs;
using MoEActors.Modules.Models;

namespace MoEActors.Cli.Commands;

/// <summary>What `moe train` is asked to do.</summary>
internal sealed record TrainOptions : ICommandOptions
{
    /// <summary>What the other options were completed from; null when no file was named.</summary>
    public TrainFile? File { get; init; }

    /// <summary>Files and folders of text; empty for the .NET documentation.</summary>
    public IReadOnlyList<string> Text { get; init; } = [];

    /// <summary>Number of embedded silos.</summary>
    public int Silos { get; init; } = 4;

    /// <summary>Exact number of training steps; null to train for <see cref="Seconds"/>.</summary>
    public int? Steps { get; init; }

    /// <summary>Training time; not used when <see cref="Steps"/> is set.</summary>
    public double Seconds { get; init; } = 300;

    /// <summary>Sequences per step, on all silos together.</summary>
    public int Batch { get; init; } = 16;

    /// <summary>Tokens per sequence.</summary>
    public int Sequence { get; init; } = 128;

    /// <summary>Width of the model.</summary>
    public int Dimension { get; init; } = 256;

    /// <summary>Number of decoder layers.</summary>
    public int Layers { get; init; } = 4;

    /// <summary>Number of query heads.</summary>
    public int Heads { get; init; } = 8;

    /// <summary>Number of key and value heads.</summary>
    public int KeyValueHeads { get; init; } = 4;

    /// <summary>Experts per mixture-of-experts layer.</summary>
    public int Experts { get; init; } = 8;

    /// <summary>Experts by layer, where a file says so; null for <see cref="Experts"/> on each of <see cref="Layers"/>.</summary>
    public IReadOnlyList<int>? ExpertsByLayer { get; init; }

    /// <summary>Experts that a token is sent to.</summary>
    public int TopK { get; init; } = 2;

    /// <summary>Width of an expert's hidden layer.</summary>
    public int Hidden { get; init; } = 512;

    /// <summary>Layers that are computed again in backward.</summary>
    public string Recompute { get; init; } = LayerSelection.None;

    /// <summary>Highest learning rate, after the warm-up.</summary>
    public double LearningRate { get; init; } = 1e-3;

    /// <summary>Seed of everything that is random.</summary>
    public long Seed { get; init; } = 1;

    /// <summary>Name of the run: its folder below runs/.</summary>
    public string Name { get; init; } = "train";

    /// <summary>Folder that holds the runs.</summary>
    public string Runs { get; init; } = RunFolder.Runs;

    /// <summary>Steps between two checkpoints; 0 for one at the end.</summary>
    public int SaveEvery { get; init; }

    /// <summary>Whether the placement follows the load.</summary>
    public bool Director { get; init; } = true;

    /// <summary>Where to write the result as JSON; null for nowhere.</summary>
    public string? Json { get; init; }

    /// <inheritdoc />
    public void Validate()
    {
        OutputPath.RequireWritableFile("--json", Json);
        OutputPath.RequireRunName("--name", Name);
        Require(ExpertsByLayer is not null || TopK <= Experts, $"--top-k {TopK} is more than --experts {Experts}.");
        Require(Dimension % Heads == 0, $"--dim {Dimension} is no multiple of --heads {Heads}.");
        Require(Dimension / Heads % 2 == 0, $"--dim {Dimension} gives each of --heads {Heads} an odd width; rotary embedding needs pairs.");
        Require(Heads % KeyValueHeads == 0, $"--heads {Heads} is no multiple of --kv-heads {KeyValueHeads}.");
    }

    private static void Require(bool holds, string complaint)
    {
        if (!holds)
        {
            throw new UsageException(complaint);
        }
    }
}
