using System.Text.Json.Serialization;

namespace MoEActors.Cli.Health;

/// <summary>What `moe doctor --json` prints.</summary>
/// <param name="Healthy">Whether no finding is a problem.</param>
/// <param name="Findings">Everything that was looked at.</param>
internal sealed record DoctorReport(
    [property: JsonPropertyName("healthy")] bool Healthy, [property: JsonPropertyName("findings")] IReadOnlyList<Finding> Findings);
