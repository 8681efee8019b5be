using System.Text.Json.Serialization;

namespace MoEActors.Cli.Bench;

/// <summary>Time to plan all layers of one shape on one core, in milliseconds, and the mean balance ratio of the new load.</summary>
internal sealed record PlanningResult(
    [property: JsonPropertyName("layers")] int Layers,
    [property: JsonPropertyName("experts")] int Experts,
    [property: JsonPropertyName("slots")] int Slots,
    [property: JsonPropertyName("workers")] int Workers,
    [property: JsonPropertyName("replicate_and_pack_ms")] double ReplicateAndPackMilliseconds,
    [property: JsonPropertyName("incremental_ms")] double IncrementalMilliseconds,
    [property: JsonPropertyName("ratio_before")] double RatioBefore,
    [property: JsonPropertyName("ratio_replicate_and_pack")] double RatioReplicateAndPack,
    [property: JsonPropertyName("ratio_incremental")] double RatioIncremental,
    [property: JsonPropertyName("moves_per_layer_replicate_and_pack")] double MovesReplicateAndPack,
    [property: JsonPropertyName("moves_per_layer_incremental")] double MovesIncremental);
