using System.Text.Json.Serialization;
using MoEActors.Cli.Runs;

namespace MoEActors.Cli.Training;

/// <summary>What a run came to.</summary>
internal sealed record TrainingResult
{
    [JsonPropertyName("silos")]
    public required int Silos { get; init; }

    /// <summary>Committed steps.</summary>
    [JsonPropertyName("steps")]
    public required long Steps { get; init; }

    /// <summary>From the start of the process until this was written.</summary>
    [JsonPropertyName("seconds")]
    public required double Seconds { get; init; }

    /// <summary>From the first batch to the last commit.</summary>
    [JsonPropertyName("training_seconds")]
    public required double TrainingSeconds { get; init; }

    [JsonPropertyName("training_tokens")]
    public required long TrainingTokens { get; init; }

    /// <summary>Training tokens over training time.</summary>
    [JsonPropertyName("tokens_per_second")]
    public required double TokensPerSecond { get; init; }

    /// <summary>Cross-entropy of the last step, nats per byte.</summary>
    [JsonPropertyName("training_loss")]
    public required double TrainingLoss { get; init; }

    /// <summary>Mean over layers of the routers' entropy in the last step, nats; null without gates.</summary>
    [JsonPropertyName("router_entropy")]
    public required double? RouterEntropy { get; init; }

    /// <summary>Share of the last step's choices of an expert that found no slot.</summary>
    [JsonPropertyName("dropped_share")]
    public required double DroppedShare { get; init; }

    /// <summary>Cross-entropy over the fixed validation windows, nats per byte.</summary>
    [JsonPropertyName("validation_loss")]
    public required double ValidationLoss { get; init; }

    [JsonPropertyName("validation_bytes")]
    public required long ValidationBytes { get; init; }

    /// <summary>The same of a model that knows only how often each byte occurs.</summary>
    [JsonPropertyName("unigram_loss")]
    public required double UnigramLoss { get; init; }

    /// <summary>Experts that the director moved or copied.</summary>
    [JsonPropertyName("shards_moved")]
    public required int ShardsMoved { get; init; }

    /// <summary>Tokens of the busiest worker over the mean: mean over layers and steps.</summary>
    [JsonPropertyName("balance")]
    public required double Balance { get; init; }

    /// <summary>The same if experts had stayed where they were when the run began.</summary>
    [JsonPropertyName("balance_as_begun")]
    public required double BalanceAsBegun { get; init; }

    /// <summary>What the director saw and did; null without one.</summary>
    [JsonPropertyName("director")]
    public required DirectorReport? Director { get; init; }

    [JsonPropertyName("parameters")]
    public required long Parameters { get; init; }

    /// <summary>Hash of all parameters, bit for bit.</summary>
    [JsonPropertyName("fingerprint")]
    public required string Fingerprint { get; init; }

    [JsonPropertyName("checkpoint")]
    public required string Checkpoint { get; init; }

    /// <summary>Generated text, the prompt included.</summary>
    [JsonPropertyName("sample")]
    public required string Sample { get; init; }
}
