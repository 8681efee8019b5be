using System.Text.Json.Serialization;

namespace MoEActors.Cli.Bench;

/// <summary>What <see cref="GemmBenchmark"/> found.</summary>
/// <param name="Device">The device in words: instruction set and threads.</param>
/// <param name="OpenBlas">OpenBLAS's own description (version, kernels, threads), or null where it is not installed.</param>
/// <param name="Results">One measurement per product and number of threads.</param>
public sealed record GemmReport(
    [property: JsonPropertyName("device")] string Device,
    [property: JsonPropertyName("openblas")] string? OpenBlas,
    [property: JsonPropertyName("results")] IReadOnlyList<GemmResult> Results);
