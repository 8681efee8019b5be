using System.Text.Json.Serialization;

namespace MoEActors.Cli.Bench;

/// <summary>What `moe bench switch` found. A step's time runs from the end of the step before to its own end.</summary>
internal sealed record SwitchReport
{
    [JsonPropertyName("silos")]
    public required int Silos { get; init; }

    /// <summary>Changes of placement: one expert each.</summary>
    [JsonPropertyName("switches")]
    public required int Switches { get; init; }

    [JsonPropertyName("steps")]
    public required int Steps { get; init; }

    /// <summary>Weights and moments that travel with one.</summary>
    [JsonPropertyName("bytes_per_switch")]
    public required long BytesPerSwitch { get; init; }

    /// <summary>Median of the steps that no change disturbed.</summary>
    [JsonPropertyName("median_seconds")]
    public required double MedianSeconds { get; init; }

    /// <summary>What a change adds, median: the time of the step that it came with and the next one, less the median of two in a row without.</summary>
    [JsonPropertyName("extra_seconds")]
    public required double ExtraSeconds { get; init; }

    /// <summary>The same over the median step.</summary>
    [JsonPropertyName("extra_share")]
    public required double ExtraShare { get; init; }

    /// <summary>The part of the step that it came with, median, over the median step.</summary>
    [JsonPropertyName("extra_share_with")]
    public required double ExtraWith { get; init; }

    /// <summary>The part of the first step in the new placement.</summary>
    [JsonPropertyName("extra_share_after")]
    public required double ExtraAfter { get; init; }

    /// <summary>The dearest change, over the median step.</summary>
    [JsonPropertyName("worst_share")]
    public required double WorstShare { get; init; }

    /// <summary>The slowest two steps in a row without a change, in the same way: what the machine does by itself.</summary>
    [JsonPropertyName("worst_plain_share")]
    public required double WorstPlainShare { get; init; }

    /// <summary>What a change adds in processor time of the whole process, over that of the median step: other programs do not count.</summary>
    [JsonPropertyName("extra_processor_share")]
    public required double ExtraProcessorShare { get; init; }
}
