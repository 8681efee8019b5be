using System.Buffers;
using System.Buffers.Binary;
using System.Text;

namespace MoEActors.Client.History.TensorBoard;

/// <summary>A message of protocol buffers, field by field: the few kinds of field that event files have.</summary>
internal sealed class ProtoMessage
{
    private const int Varint = 0, Fixed64 = 1, Delimited = 2, Fixed32 = 5;

    private readonly ArrayBufferWriter<byte> _bytes = new();

    /// <summary>The message so far.</summary>
    public ReadOnlySpan<byte> Bytes => _bytes.WrittenSpan;

    /// <summary>Adds an integer.</summary>
    public ProtoMessage Integer(int field, long value)
    {
        Tag(field, Varint);
        Number((ulong)value);
        return this;
    }

    /// <summary>Adds a number of 64 bits.</summary>
    public ProtoMessage Double(int field, double value)
    {
        Tag(field, Fixed64);
        Write(value);
        return this;
    }

    /// <summary>Adds a number of 32 bits.</summary>
    public ProtoMessage Float(int field, float value)
    {
        Tag(field, Fixed32);
        Span<byte> bytes = stackalloc byte[sizeof(float)];
        BinaryPrimitives.WriteSingleLittleEndian(bytes, value);
        _bytes.Write(bytes);
        return this;
    }

    /// <summary>Adds numbers of 64 bits, packed.</summary>
    public ProtoMessage Doubles(int field, IReadOnlyList<double> values)
    {
        Tag(field, Delimited);
        Number((ulong)values.Count * sizeof(double));
        foreach (double value in values)
        {
            Write(value);
        }

        return this;
    }

    /// <summary>Adds a text.</summary>
    public ProtoMessage Text(int field, string value) => Add(field, Encoding.UTF8.GetBytes(value));

    /// <summary>Adds a message.</summary>
    public ProtoMessage Message(int field, ProtoMessage value) => Add(field, value.Bytes);

    private ProtoMessage Add(int field, ReadOnlySpan<byte> bytes)
    {
        Tag(field, Delimited);
        Number((ulong)bytes.Length);
        _bytes.Write(bytes);
        return this;
    }

    private void Write(double value)
    {
        Span<byte> bytes = stackalloc byte[sizeof(double)];
        BinaryPrimitives.WriteDoubleLittleEndian(bytes, value);
        _bytes.Write(bytes);
    }

    private void Tag(int field, int kind) => Number((ulong)((field << 3) | kind));

    private void Number(ulong value)
    {
        for (; value > 0x7f; value >>= 7)
        {
            _bytes.Write([(byte)(value | 0x80)]);
        }

        _bytes.Write([(byte)value]);
    }
}
