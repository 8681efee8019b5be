using MoEActors.Native.Memory;

namespace MoEActors.Native.Communication;

/// <summary>
/// The data plane of one cluster view: collective operations among <see cref="Size"/> ranks. Every rank calls the same operations in
/// the same order, from its executor thread; the caller's buffers belong to the communicator until the call returns. A call
/// ends on every rank or fails on every rank: by a peer's <see cref="Abort"/>, or at the deadline. After that the
/// communicator is dead. All implementations behave alike, whatever the transport; between processes alone, where a peer dies or aborts while the last
/// bytes of a call are on their way, some ranks may have ended that call and others not, and none will end a later one.
/// </summary>
public interface ICommunicator : IDisposable
{
    /// <summary>This caller's rank, from 0.</summary>
    int Rank { get; }

    /// <summary>Number of ranks.</summary>
    int Size { get; }

    /// <summary>
    /// Sends and receives segments of any length. The i-th segment that rank a sends to rank b is the i-th segment that b
    /// receives from a; their counts must agree.
    /// </summary>
    /// <exception cref="CommunicatorException">Counts disagree, a peer aborted, is missing, or called another operation.</exception>
    void AllToAll<T>(
        DeviceSpan<T> send, ReadOnlySpan<Segment> sendSegments, DeviceSpan<T> receive, ReadOnlySpan<Segment> receiveSegments)
        where T : unmanaged;

    /// <summary>Every rank gives <c>mine.Length</c> elements; <paramref name="all"/> receives them in rank order.</summary>
    /// <exception cref="CommunicatorException">Lengths disagree, a peer aborted, is missing, or called another operation.</exception>
    void AllGather<T>(DeviceSpan<T> mine, DeviceSpan<T> all)
        where T : unmanaged;

    /// <summary>
    /// Adds the parts of the contributing ranks, in ascending rank order and one rounded addition each, to the running sum of
    /// the range that this rank owns (<see cref="OwnedRange"/>). Elements of <paramref name="sum"/> outside it are not changed.
    /// Called once per round; <see cref="AllGatherOwned"/> then completes the sum everywhere. Unlike an all-reduce, the order of additions is
    /// fixed, so the result has the same bits on every transport; gradients of dense parameters are never summed in another way.
    /// </summary>
    /// <param name="part">This rank's part, as long as <paramref name="sum"/>; not read when it does not contribute.</param>
    /// <param name="contributes">False for a rank that had no micro-batch in this round.</param>
    /// <param name="sum">The running sum.</param>
    /// <exception cref="CommunicatorException">Lengths disagree, a peer aborted, is missing, or called another operation.</exception>
    void ReduceScatterInRankOrder(DeviceSpan<float> part, bool contributes, DeviceSpan<float> sum);

    /// <summary>Copies every rank's owned range into <paramref name="sum"/> of all ranks.</summary>
    /// <exception cref="CommunicatorException">Lengths disagree, a peer aborted, is missing, or called another operation.</exception>
    void AllGatherOwned(DeviceSpan<float> sum);

    /// <summary>Copies the <paramref name="root"/>'s elements to all ranks.</summary>
    /// <exception cref="CommunicatorException">Lengths disagree, a peer aborted, is missing, or called another operation.</exception>
    void Broadcast<T>(DeviceSpan<T> span, int root)
        where T : unmanaged;

    /// <summary>
    /// Ends the communicator on every rank: calls in progress and all later ones fail with <paramref name="cause"/>. May be
    /// called from any thread, any number of times; the first cause wins.
    /// </summary>
    void Abort(Exception cause);

    /// <summary>The range of a running sum of <paramref name="length"/> elements that rank <paramref name="rank"/> of <paramref name="size"/> owns.</summary>
    static (int Start, int Length) OwnedRange(int length, int rank, int size)
    {
        // Ranges start on cache lines, so that two ranks never write one line.
        long lines = (length + 15L) / 16;
        int start = (int)Math.Min(lines * rank / size * 16, length);
        int end = (int)Math.Min(lines * (rank + 1) / size * 16, length);
        return (start, end - start);
    }
}

/// <summary>One piece of an all-to-all: elements that go to, or come from, one peer.</summary>
/// <param name="Peer">Rank of the other side; the own rank is allowed.</param>
/// <param name="Offset">First element in the local buffer.</param>
/// <param name="Count">Number of elements; 0 is allowed.</param>
public readonly record struct Segment(int Peer, int Offset, int Count);

/// <summary>A collective operation that did not complete. The communicator is dead; the step it belonged to has changed nothing.</summary>
/// <param name="operation">The operation that failed.</param>
/// <param name="rank">The rank that reports it.</param>
/// <param name="missingRanks">Ranks that had not arrived or were lost, ascending; empty when the cause is another.</param>
/// <param name="message">What happened and what to do.</param>
/// <param name="cause">The cause, if there is one.</param>
public class CommunicatorException(string operation, int rank, IReadOnlyList<int> missingRanks, string message, Exception? cause = null)
    : Exception(message, cause)
{
    /// <summary>The operation that failed.</summary>
    public string Operation { get; } = operation;

    /// <summary>The rank that reports the failure.</summary>
    public int Rank { get; } = rank;

    /// <summary>Whether the rank that reports it has failed itself: the cause is its own. Every other rank has the cause too, as an inner exception.</summary>
    public bool IsOwn { get; init; }

    /// <summary>Ranks that had not arrived when the deadline passed, or that were lost, ascending.</summary>
    public IReadOnlyList<int> MissingRanks { get; } = missingRanks;
}
