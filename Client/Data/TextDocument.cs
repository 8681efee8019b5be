namespace MoEActors.Client.Data;

/// <summary>One file's text, as bytes.</summary>
/// <param name="Name">The file's name; the ordinal order of names is the order of a corpus.</param>
/// <param name="Bytes">The text, UTF-8.</param>
public sealed record TextDocument(string Name, ReadOnlyMemory<byte> Bytes);
