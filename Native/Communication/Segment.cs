namespace MoEActors.Native.Communication;

/// <summary>One piece of an all-to-all: elements that go to, or come from, one peer.</summary>
/// <param name="Peer">Rank of the other side; the own rank is allowed.</param>
/// <param name="Offset">First element in the local buffer.</param>
/// <param name="Count">Number of elements; 0 is allowed.</param>
public readonly record struct Segment(int Peer, int Offset, int Count);
