namespace MoEActors.Native.Memory;

/// <summary>A place in an <see cref="Arena"/>: everything handed out later can be taken back at once.</summary>
/// <param name="Block">The block.</param>
/// <param name="Offset">Bytes handed out of it.</param>
/// <param name="BytesInUse">Bytes in use, padding included.</param>
public readonly record struct ArenaMark(int Block, long Offset, long BytesInUse);
