using System.Text.Json.Serialization;

namespace MoEActors.Cli.Commands;

/// <summary>What `moe generate --json` prints.</summary>
internal sealed record GenerationReport
{
    /// <summary>Folder of the checkpoint.</summary>
    [JsonPropertyName("checkpoint")]
    public required string Checkpoint { get; init; }

    /// <summary>Steps that the model has been trained for.</summary>
    [JsonPropertyName("step")]
    public required long Step { get; init; }

    [JsonPropertyName("prompt")]
    public required string Prompt { get; init; }

    /// <summary>The text, the prompt included.</summary>
    [JsonPropertyName("text")]
    public required string Text { get; init; }

    /// <summary>Tokens added to the prompt.</summary>
    [JsonPropertyName("tokens")]
    public required int Tokens { get; init; }

    [JsonPropertyName("temperature")]
    public required double Temperature { get; init; }

    [JsonPropertyName("seed")]
    public required long Seed { get; init; }

    /// <summary>Time of the generation alone.</summary>
    [JsonPropertyName("seconds")]
    public required double Seconds { get; init; }
}
