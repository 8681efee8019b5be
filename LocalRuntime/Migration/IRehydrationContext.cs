using System.Buffers;
using System.Diagnostics.CodeAnalysis;

namespace Orleans.Runtime;

/// <summary>What an activation brought along.</summary>
public interface IRehydrationContext
{
    /// <summary>The keys of what is there.</summary>
    IEnumerable<string> Keys { get; }

    /// <summary>The bytes that were added by that key.</summary>
    bool TryGetBytes(string key, out ReadOnlySequence<byte> value);

    /// <summary>The value that was added by that key. False if there is none, if it is null, or if its type may not travel.</summary>
    bool TryGetValue<T>(string key, [NotNullWhen(true)] out T? value);
}
