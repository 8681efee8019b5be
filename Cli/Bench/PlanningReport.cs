using System.Text.Json.Serialization;

namespace MoEActors.Cli.Bench;

/// <summary>What `moe bench planning` found.</summary>
internal sealed record PlanningReport([property: JsonPropertyName("results")] IReadOnlyList<PlanningResult> Results);
