namespace MoEActors.Native.Communication.InProcess;

/// <summary>
/// One rank's part in the operation in progress. The rank writes it before it arrives; the others read it after all ranks have arrived and
/// before any has departed, so no field needs a lock of its own.
/// </summary>
internal sealed class Contribution
{
    private Segment[] _sends = [];
    private int _sendCount;

    /// <summary>The operation this rank is in, or was in last.</summary>
    public CollectiveOperation Operation { get; private set; }

    /// <summary>Type of the elements.</summary>
    public Type ElementType { get; private set; } = typeof(byte);

    /// <summary>Address of the elements that the others may read.</summary>
    public nint Address { get; private set; }

    /// <summary>The length that must be the same on every rank, where the operation has one.</summary>
    public int Length { get; private set; }

    /// <summary>The root of a broadcast; 0 otherwise.</summary>
    public int Root { get; private set; }

    /// <summary>False for a rank that adds nothing in this round.</summary>
    public bool Contributes { get; private set; }

    /// <summary>The segments this rank sends.</summary>
    public ReadOnlySpan<Segment> Sends => _sends.AsSpan(0, _sendCount);

    /// <summary>Describes an operation whose length all ranks share.</summary>
    public void Describe(
        CollectiveOperation operation, Type elementType, nint address, int length, int root = 0, bool contributes = true)
    {
        Operation = operation;
        ElementType = elementType;
        Address = address;
        Length = length;
        Root = root;
        Contributes = contributes;
        _sendCount = 0;
    }

    /// <summary>Describes an all-to-all: every rank has segments of its own. They are copied, because a span ends with its call.</summary>
    public void DescribeSends(Type elementType, nint address, ReadOnlySpan<Segment> sends)
    {
        Describe(CollectiveOperation.AllToAll, elementType, address, length: 0);
        if (_sends.Length < sends.Length)
        {
            _sends = new Segment[Math.Max(sends.Length, 2 * _sends.Length)];
        }

        sends.CopyTo(_sends);
        _sendCount = sends.Length;
    }

    /// <summary>What keeps two ranks from doing one operation together, in words, the lower rank first; null when nothing does.</summary>
    public static string? Difference(int rank, Contribution mine, int other, Contribution theirs)
    {
        if (rank > other)
        {
            return Difference(other, theirs, rank, mine);
        }

        if (mine.Operation != theirs.Operation)
        {
            return $"rank {rank} is in {mine.Operation} while rank {other} is in {theirs.Operation}";
        }

        return mine.ElementType == theirs.ElementType && mine.Length == theirs.Length && mine.Root == theirs.Root
            ? null
            : $"rank {rank} is in {mine.InWords()} while rank {other} is in {theirs.InWords()}";
    }

    private string InWords() =>
        Operation + (Operation == CollectiveOperation.Broadcast ? $" from root {Root}" : "") + $" of {Length} {ElementType.Name} elements";
}

/// <summary>The operations of a communicator, by the names that appear in messages.</summary>
internal enum CollectiveOperation
{
    None,
    AllToAll,
    AllGather,
    ReduceScatterInRankOrder,
    AllGatherOwned,
    Broadcast,
}
