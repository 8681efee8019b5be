namespace MoEActors.Native.Communication.InProcess;

/// <summary>Why a group died.</summary>
/// <param name="Message">What happened and what to do, without the operation of the rank that reports it.</param>
/// <param name="MissingRanks">Ranks that had not arrived at the deadline, ascending; empty when the reason is another.</param>
/// <param name="Cause">The exception behind it, if there is one.</param>
internal sealed record Failure(string Message, int[] MissingRanks, Exception? Cause)
{
    /// <summary>The exception that one rank's call ends with.</summary>
    public CommunicatorException ToException(CollectiveOperation operation, int rank, int size) =>
        new(operation.ToString(), rank, MissingRanks, $"{operation} failed on rank {rank} of {size}: {Message}", Cause);
}
