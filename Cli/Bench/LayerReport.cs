using System.Text.Json.Serialization;

namespace MoEActors.Cli.Bench;

/// <summary>What `moe bench layer` found. Times are medians over the measured steps.</summary>
internal sealed record LayerReport
{
    [JsonPropertyName("tokens")]
    public required int Tokens { get; init; }

    [JsonPropertyName("model_dim")]
    public required int ModelDimension { get; init; }

    [JsonPropertyName("hidden")]
    public required int Hidden { get; init; }

    [JsonPropertyName("experts")]
    public required int Experts { get; init; }

    [JsonPropertyName("top_k")]
    public required int TopK { get; init; }

    [JsonPropertyName("workers")]
    public required int Workers { get; init; }

    [JsonPropertyName("steps")]
    public required int Steps { get; init; }

    /// <summary>Forward and backward of one step.</summary>
    [JsonPropertyName("seconds")]
    public required double Seconds { get; init; }

    /// <summary>6·tokens·k·2·D·H operations over <see cref="Seconds"/>, in 10⁹ per second.</summary>
    [JsonPropertyName("gflops")]
    public required double Gflops { get; init; }

    /// <summary>Our own product of 2048³ on as many threads, in the same run.</summary>
    [JsonPropertyName("sgemm_gflops")]
    public required double SgemmGflops { get; init; }

    /// <summary><see cref="Gflops"/> over <see cref="SgemmGflops"/>.</summary>
    [JsonPropertyName("share")]
    public required double Share { get; init; }

    /// <summary>Managed bytes that the whole process allocated per measured step.</summary>
    [JsonPropertyName("allocated_bytes_per_step")]
    public required double AllocatedBytesPerStep { get; init; }
}
