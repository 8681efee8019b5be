namespace MoEActors.Native.Communication.Collectives;

/// <summary>Why a communicator failed.</summary>
/// <param name="Message">What happened and what to do, without the operation of the rank that reports it.</param>
/// <param name="MissingRanks">Ranks that had not arrived at the deadline or were lost, ascending; empty when the reason is another.</param>
/// <param name="Cause">The exception behind it, if there is one.</param>
/// <param name="AbortedBy">The rank whose own failure it is; −1 where it is none's.</param>
internal sealed record Failure(string Message, int[] MissingRanks, Exception? Cause, int AbortedBy = -1)
{
    /// <summary>A rank has been aborted.</summary>
    public static Failure Aborted(int rank, Exception cause) => new($"rank {rank} aborted: {cause.Message}", [], cause, rank);

    /// <summary>A rank has left.</summary>
    public static Failure Disposed(int rank) => new($"rank {rank} has disposed its communicator. Open a new view.", [], null);

    /// <summary>Ranks did not come.</summary>
    /// <param name="missing">They, ascending.</param>
    /// <param name="deadline">How long they were waited for.</param>
    /// <param name="first">The rank that waited.</param>
    /// <param name="hint">What is known of why; empty for nothing.</param>
    public static Failure Missing(int[] missing, TimeSpan deadline, int first, string hint = "")
    {
        string who = missing.Length == 1 ? $"rank {missing[0]} is missing" : $"ranks {string.Join(", ", missing)} are missing";
        return new Failure(
            $"{who} {deadline.TotalSeconds:0.###} s after rank {first} arrived.{hint} Look at the log of the missing side, then open a "
            + "new view, or set a longer deadline if it was only slow.",
            missing, null);
    }

    /// <summary>All ranks came, and then nothing moved any more.</summary>
    /// <param name="stalled">The ranks that have not done their part, ascending.</param>
    /// <param name="deadline">How long nothing has moved.</param>
    /// <param name="rank">The rank that noticed.</param>
    public static Failure Stalled(int[] stalled, TimeSpan deadline, int rank) => new(
        $"in the middle of it nothing has moved between rank {rank} and {(stalled.Length == 1 ? "rank" : "ranks")} {string.Join(", ", stalled)} for "
        + $"{deadline.TotalSeconds:0.###} s. Look at the network between their hosts and at the log of the other side, then open a new view.",
        stalled, null);

    /// <summary>The exception that one rank's call ends with.</summary>
    public CommunicatorException ToException(CollectiveOperation operation, int rank, int size) =>
        new(operation.ToString(), rank, MissingRanks, $"{operation} failed on rank {rank} of {size}: {Message}", Cause) { IsOwn = AbortedBy == rank };
}
