using System.Text.Json.Serialization;

namespace MoEActors.Cli.Runs;

/// <summary>
/// What a run needs, beside its checkpoint, to go on as if it had never stopped: the file run.json of its folder. Model, optimizer and step are
/// in the checkpoint itself.
/// </summary>
internal sealed record RunFile
{
    /// <summary>Identity of the run. The checkpoint's cursor has it too, so that neither is taken for another run's.</summary>
    public required string Id { get; init; }

    /// <summary>Name of the model.</summary>
    public required string Name { get; init; }

    /// <summary>Files and folders of the text, as full paths; empty for the .NET documentation.</summary>
    public required IReadOnlyList<string> Text { get; init; }

    /// <summary>SHA-256 of the text that is trained on: batches follow from it, the seed and the step.</summary>
    [JsonPropertyName("text_sha256")]
    public required string TextHash { get; init; }

    /// <summary>Seed of the windows and of the sample.</summary>
    public required long Seed { get; init; }

    /// <summary>Sequences per step, of all micro-batches together.</summary>
    public required int Batch { get; init; }

    /// <summary>Number of embedded silos; results do not depend on it.</summary>
    public required int Silos { get; init; }

    /// <summary>Steps that the run was asked for.</summary>
    public required long Steps { get; init; }

    /// <summary>Steps between two checkpoints; 0 for one at the end.</summary>
    public required int SaveEvery { get; init; }

    /// <summary>What the sample begins with.</summary>
    public required string Prompt { get; init; }

    /// <summary>Whether the placement follows the load.</summary>
    public bool Director { get; init; }

    /// <summary>The last step on the first half of the text, for a run that changes its subject; null for one that does not.</summary>
    public long? TurnsAfter { get; init; }
}
