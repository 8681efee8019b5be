using System.Runtime.CompilerServices;

namespace MoEActors.Native.Communication.Collectives;

/// <summary>What all ranks must have in common to do one operation together, and what each of them says of itself.</summary>
/// <param name="Operation">The operation.</param>
/// <param name="Element">Type of the elements.</param>
/// <param name="Length">The length that must be the same on every rank, where the operation has one.</param>
/// <param name="Root">The root of a broadcast; 0 otherwise.</param>
/// <param name="Contributes">False for a rank that adds nothing in this round: the ranks may differ in it.</param>
internal readonly record struct OperationDescription(
    CollectiveOperation Operation, CarriedType Element, int Length, int Root = 0, bool Contributes = true)
{
    /// <summary>What keeps two ranks from doing one operation together, in words, the lower rank first; null when nothing does.</summary>
    public static string? Difference(int rank, in OperationDescription mine, int other, in OperationDescription theirs)
    {
        if (rank > other)
        {
            return Difference(other, theirs, rank, mine);
        }

        string? difference = mine.Operation != theirs.Operation
            ? $"rank {rank} is in {mine.Operation} while rank {other} is in {theirs.Operation}"
            : mine.Element == theirs.Element && mine.Length == theirs.Length && mine.Root == theirs.Root
                ? null
                : $"rank {rank} is in {mine.InWords()} while rank {other} is in {theirs.InWords()}";
        return difference is null
            ? null
            : $"{difference}. All ranks must call the same operations in the same order; compare what their steps did before.";
    }

    private string InWords() =>
        Operation + (Operation == CollectiveOperation.Broadcast ? $" from root {Root}" : "") + $" of {Length} {Element} elements";
}

/// <summary>Type of the elements of an operation, as another process can compare it.</summary>
/// <param name="Code">Which of the simple types; <see cref="TypeCode.Object"/> for any other.</param>
/// <param name="Size">Bytes of an element.</param>
internal readonly record struct CarriedType(TypeCode Code, int Size)
{
    /// <summary>The type <typeparamref name="T"/>.</summary>
    public static CarriedType Of<T>()
        where T : unmanaged => new(Type.GetTypeCode(typeof(T)), Unsafe.SizeOf<T>());

    /// <inheritdoc />
    public override string ToString() => Code == TypeCode.Object ? $"{Size}-byte" : Code.ToString();
}

/// <summary>The operations of a communicator, by the names that appear in messages. The numbers travel: append-only.</summary>
internal enum CollectiveOperation : byte
{
    None = 0,
    AllToAll = 1,
    AllGather = 2,
    ReduceScatterInRankOrder = 3,
    AllGatherOwned = 4,
    Broadcast = 5,
}
