using System.Text.Json.Serialization;
using MoEActors.Grains.Interfaces.Workers;

namespace MoEActors.Cli.Runs;

/// <summary>Device memory of one worker of a run, in bytes.</summary>
internal sealed record WorkerUse
{
    /// <summary>What the device has allocated.</summary>
    [JsonPropertyName("used")]
    public required long Used { get; init; }

    /// <summary>What it may allocate.</summary>
    [JsonPropertyName("budget")]
    public required long Budget { get; init; }

    /// <summary>The use of a worker.</summary>
    public static WorkerUse Of(WorkerMemory memory) => new() { Used = memory.Used, Budget = memory.Budget };
}
