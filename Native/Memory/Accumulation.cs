namespace MoEActors.Native.Memory;

/// <summary>What an operation does with what its output held before.</summary>
public enum Accumulation
{
    /// <summary>The result replaces it.</summary>
    Store,

    /// <summary>The result, complete, is added to it by one rounded addition.</summary>
    Add,
}
