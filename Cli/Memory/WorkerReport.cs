using System.Text.Json.Serialization;
using MoEActors.Grains.Memory;

namespace MoEActors.Cli.Memory;

/// <summary>One worker of `moe estimate`, in bytes.</summary>
internal sealed record WorkerReport
{
    [JsonPropertyName("rank")]
    public required int Rank { get; init; }

    [JsonPropertyName("parameters")]
    public required long Parameters { get; init; }

    [JsonPropertyName("gradients")]
    public required long Gradients { get; init; }

    /// <summary>The running sum of the dense gradients over the rounds of a step.</summary>
    [JsonPropertyName("dense_sums")]
    public required long DenseSums { get; init; }

    [JsonPropertyName("moments")]
    public required long Moments { get; init; }

    /// <summary>Counts of the exchange, norms of gradients, rotary tables.</summary>
    [JsonPropertyName("tables")]
    public required long Tables { get; init; }

    [JsonPropertyName("activations_forward")]
    public required long ForwardArena { get; init; }

    [JsonPropertyName("activations_backward")]
    public required long BackwardArena { get; init; }

    /// <summary>The model is held, nothing runs.</summary>
    [JsonPropertyName("phase_open")]
    public required long Open { get; init; }

    [JsonPropertyName("phase_forward")]
    public required long Forward { get; init; }

    /// <summary>Backward and the update behind it.</summary>
    [JsonPropertyName("phase_backward")]
    public required long Backward { get; init; }

    /// <summary>While an expert arrives.</summary>
    [JsonPropertyName("phase_transfer")]
    public required long Transfer { get; init; }

    /// <summary>While a checkpoint is written, with the host memory that a tensor passes through.</summary>
    [JsonPropertyName("phase_checkpoint")]
    public required long Checkpoint { get; init; }

    /// <summary>Backward under the worst routing.</summary>
    [JsonPropertyName("worst_routing")]
    public required long Worst { get; init; }

    /// <summary>The report of two estimates.</summary>
    public static WorkerReport Of(WorkerEstimate planned, WorkerEstimate worst) => new()
    {
        Rank = planned.Rank,
        Parameters = planned.Parameters,
        Gradients = planned.Gradients,
        DenseSums = planned.DenseSums,
        Moments = planned.Moments,
        Tables = planned.Tables,
        ForwardArena = planned.ForwardArena,
        BackwardArena = planned.BackwardArena,
        Open = planned.Phases[0],
        Forward = planned.Phases[1],
        Backward = planned.Phases[2],
        Transfer = planned.Phases[3],
        Checkpoint = planned.Phases[4],
        Worst = worst.Phases[2],
    };
}
