using System.Text;

namespace MoEActors.Cli.Commands;

/// <summary>What `moe generate` is asked to do.</summary>
internal sealed record GenerateOptions : ICommandOptions
{
    /// <summary>Folder of the checkpoint.</summary>
    public string Checkpoint { get; init; } = "";

    /// <summary>What the text begins with.</summary>
    public string Prompt { get; init; } = "The ";

    /// <summary>Tokens to add; a token of a byte-level model is a byte.</summary>
    public int Tokens { get; init; } = 240;

    /// <summary>Divides the logits; 0 takes the most likely token.</summary>
    public double Temperature { get; init; } = 0.7;

    /// <summary>Seed of the draws.</summary>
    public long Seed { get; init; } = 1;

    /// <summary>Whether to print one JSON object instead of the text.</summary>
    public bool Json { get; init; }

    /// <inheritdoc />
    public void Validate()
    {
        if (Encoding.UTF8.GetByteCount(Prompt) == 0)
        {
            throw new UsageException("--prompt is empty; a text needs a beginning.");
        }
    }
}
