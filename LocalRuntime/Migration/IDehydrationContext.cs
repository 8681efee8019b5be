using System.Buffers;

namespace Orleans.Runtime;

/// <summary>What an activation takes along.</summary>
public interface IDehydrationContext
{
    /// <summary>The keys of what was added.</summary>
    IEnumerable<string> Keys { get; }

    /// <summary>Adds bytes. A key that is there already is an error.</summary>
    void AddBytes(string key, ReadOnlySpan<byte> value);

    /// <summary>Adds the bytes that <paramref name="valueWriter"/> writes. A key that is there already is an error.</summary>
    void AddBytes<T>(string key, Action<T, IBufferWriter<byte>> valueWriter, T value);

    /// <summary>Adds a copy of a value. False, and nothing else, if its type may not travel or the key is there already.</summary>
    bool TryAddValue<T>(string key, T? value);
}
