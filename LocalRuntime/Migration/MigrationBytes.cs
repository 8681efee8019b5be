namespace Orleans.Runtime;

/// <summary>Bytes that an activation takes along, as opposed to a value that happens to be an array of bytes.</summary>
internal sealed record MigrationBytes(byte[] Value);
