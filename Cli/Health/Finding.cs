using System.Text.Json.Serialization;

namespace MoEActors.Cli.Health;

/// <summary>One thing that `moe doctor` looked at.</summary>
internal sealed record Finding
{
    /// <summary>What was looked at.</summary>
    [JsonPropertyName("name")]
    public required string Name { get; init; }

    /// <summary>What was found.</summary>
    [JsonPropertyName("value")]
    public required string Value { get; init; }

    /// <summary>Whether training works with it, and works well.</summary>
    [JsonPropertyName("verdict")]
    public Verdict Verdict { get; init; } = Verdict.Good;

    /// <summary>What to do about it; null when there is nothing to do.</summary>
    [JsonPropertyName("what_to_do")]
    public string? WhatToDo { get; init; }
}
