using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using Orleans.Serialization;

namespace Orleans.Runtime;

/// <summary>What an activation takes along: bytes, and copies of values.</summary>
internal sealed class MigrationContext : IDehydrationContext, IRehydrationContext
{
    /// <summary>The key of the address that the activation had.</summary>
    public const string AddressKey = "sys.addr";

    private readonly Lock _gate = new();
    private readonly Dictionary<string, object?> _values = new(StringComparer.Ordinal);

    public IEnumerable<string> Keys
    {
        get
        {
            lock (_gate)
            {
                return [.. _values.Keys];
            }
        }
    }

    public void AddBytes(string key, ReadOnlySpan<byte> value)
    {
        lock (_gate)
        {
            _values.Add(key, new MigrationBytes(value.ToArray()));
        }
    }

    public void AddBytes<T>(string key, Action<T, IBufferWriter<byte>> valueWriter, T value)
    {
        ArgumentNullException.ThrowIfNull(valueWriter);
        var writer = new ArrayBufferWriter<byte>();
        valueWriter(value, writer);
        AddBytes(key, writer.WrittenSpan);
    }

    public bool TryAddValue<T>(string key, T? value)
    {
        if (!WireTypes.AllowsDeclared(typeof(T)))
        {
            return false;
        }

        lock (_gate)
        {
            if (_values.ContainsKey(key))
            {
                return false;
            }

            // What an object or an interface holds is judged now, by an exception.
            _values.Add(key, DeepCopy.Of(value));
            return true;
        }
    }

    public bool TryGetBytes(string key, out ReadOnlySequence<byte> value)
    {
        lock (_gate)
        {
            value = default;
            if (!_values.TryGetValue(key, out object? stored))
            {
                return false;
            }

            value = stored is MigrationBytes bytes
                ? new ReadOnlySequence<byte>(bytes.Value)
                : throw Unsupported.Because($"TryGetBytes of what was added with TryAddValue ('{key}')");
            return true;
        }
    }

    public bool TryGetValue<T>(string key, [NotNullWhen(true)] out T? value)
    {
        lock (_gate)
        {
            value = default;
            if (!_values.TryGetValue(key, out object? stored) || !WireTypes.AllowsDeclared(typeof(T)))
            {
                return false;
            }

            value = stored switch
            {
                MigrationBytes => throw Unsupported.Because($"TryGetValue of what was added with AddBytes ('{key}')"),
                null => default,
                T typed => (T?)DeepCopy.Of((object)typed),
                _ => throw new SerializerException($"'{key}' was added as {stored.GetType()} and cannot be read as {typeof(T)}."),
            };
            return value is not null && stored is not null;
        }
    }
}
