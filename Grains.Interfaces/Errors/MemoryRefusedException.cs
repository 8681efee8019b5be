using System.Globalization;
using MoEActors.Modules.Timing;

namespace MoEActors.Grains.Interfaces.Errors;

/// <summary>A model, a placement or a batch that does not fit the memory of a worker. Nothing was allocated, and what was there goes on.</summary>
[GenerateSerializer, Alias("moe.error.memory")]
public sealed class MemoryRefusedException : MoEException
{
    /// <summary>Creates the error.</summary>
    /// <param name="worker">The worker that has too little.</param>
    /// <param name="rank">Its rank.</param>
    /// <param name="phase">The first phase that does not fit.</param>
    /// <param name="needed">Bytes that the phase needs.</param>
    /// <param name="available">Bytes that there are for the model.</param>
    /// <param name="details">What the need is made of, and what would help.</param>
    public MemoryRefusedException(string worker, int rank, MemoryPhase phase, long needed, long available, string details)
        : base($"Worker {worker} (rank {rank}) needs {Mebibytes(needed)} ({phase switch
        {
            MemoryPhase.Open => "to hold its part of the model",
            MemoryPhase.Forward => "for the forward pass",
            MemoryPhase.Backward => "for the backward pass",
            MemoryPhase.Transfer => "while experts arrive",
            _ => "for a checkpoint",
        }}) and has {Mebibytes(available)}. Nothing was allocated. {details}")
    {
        Worker = worker;
        Rank = rank;
        Phase = phase;
        NeededBytes = needed;
        AvailableBytes = available;
    }

    /// <summary>The worker that has too little.</summary>
    [Id(0)] public string Worker { get; private set; }

    /// <summary>Its rank.</summary>
    [Id(1)] public int Rank { get; private set; }

    /// <summary>The first phase that does not fit.</summary>
    [Id(2)] public MemoryPhase Phase { get; private set; }

    /// <summary>Bytes that the phase needs.</summary>
    [Id(3)] public long NeededBytes { get; private set; }

    /// <summary>Bytes that there are for the model.</summary>
    [Id(4)] public long AvailableBytes { get; private set; }

    /// <summary>Bytes as people read them.</summary>
    private static string Mebibytes(long bytes) => string.Create(CultureInfo.InvariantCulture, $"{bytes / (double)(1 << 20):N1} MiB");
}
