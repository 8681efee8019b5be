namespace MoEActors.Native.Communication;

/// <summary>A collective operation that did not complete. The communicator is dead; the step it belonged to has changed nothing.</summary>
public class CommunicatorException : Exception
{
    /// <summary>Creates the exception.</summary>
    /// <param name="operation">The operation that failed.</param>
    /// <param name="rank">The rank that reports it.</param>
    /// <param name="missingRanks">Ranks that had not arrived, ascending; empty when the cause is another.</param>
    /// <param name="message">What happened and what to do.</param>
    /// <param name="cause">The cause, if there is one.</param>
    public CommunicatorException(string operation, int rank, IReadOnlyList<int> missingRanks, string message, Exception? cause = null)
        : base(message, cause)
    {
        Operation = operation;
        Rank = rank;
        MissingRanks = missingRanks;
    }

    /// <summary>The operation that failed.</summary>
    public string Operation { get; }

    /// <summary>The rank that reports the failure.</summary>
    public int Rank { get; }

    /// <summary>Ranks that had not arrived when the deadline passed, ascending.</summary>
    public IReadOnlyList<int> MissingRanks { get; }
}
