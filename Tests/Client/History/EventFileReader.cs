using System.Buffers.Binary;
using System.Text;
using MoEActors.Tests.Support;

namespace MoEActors.Tests.Client.History;

/// <summary>
/// Reads event files as TensorBoard does, from the description of the format alone: nothing of it is shared with what writes them. It refuses a file that has anything else than whole
/// records with right sums.
/// </summary>
internal static class EventFileReader
{
    /// <summary>The events of a file.</summary>
    /// <exception cref="InvalidDataException">It is no event file.</exception>
    public static IReadOnlyList<ReadEvent> Read(string path)
    {
        byte[] file = File.ReadAllBytes(path);
        List<ReadEvent> events = [];
        for (int at = 0; at < file.Length;)
        {
            int length = (int)BinaryPrimitives.ReadUInt64LittleEndian(file.AsSpan(at, 8));
            Require(file.AsSpan(at, 8), file.AsSpan(at + 8, 4));
            ReadOnlySpan<byte> record = file.AsSpan(at + 12, length);
            Require(record, file.AsSpan(at + 12 + length, 4));
            events.Add(Event(record.ToArray()));
            at += 16 + length;
        }

        return events;
    }

    private static void Require(ReadOnlySpan<byte> bytes, ReadOnlySpan<byte> sum)
    {
        uint crc = Crc32C(bytes);
        uint masked = unchecked(((crc >> 15) | (crc << 17)) + 0xa282ead8u);
        if (masked != BinaryPrimitives.ReadUInt32LittleEndian(sum))
        {
            throw new InvalidDataException("The sum of a record is wrong.");
        }
    }

    /// <summary>Bit by bit, with the reflected polynomial of Castagnoli.</summary>
    public static uint Crc32C(ReadOnlySpan<byte> bytes)
    {
        uint crc = ~0u;
        foreach (byte value in bytes)
        {
            crc ^= value;
            for (int bit = 0; bit < 8; bit++)
            {
                crc = (crc & 1) != 0 ? (crc >> 1) ^ 0x82f63b78u : crc >> 1;
            }
        }

        return ~crc;
    }

    private static ReadEvent Event(byte[] message)
    {
        var read = new ReadEvent();
        foreach ((int field, object value) in ProtoFields.Of(message))
        {
            switch (field)
            {
                case 1:
                    read.Time = BitConverter.Int64BitsToDouble((long)(ulong)value);
                    break;
                case 2:
                    read.Step = (long)(ulong)value;
                    break;
                case 3:
                    read.Version = Encoding.UTF8.GetString((byte[])value);
                    break;
                case 5:
                    foreach ((_, object one) in ProtoFields.Of((byte[])value))
                    {
                        AddValue(read, (byte[])one);
                    }

                    break;
                case 7:
                    read.IsStart = ProtoFields.Of((byte[])value).Any(status => status is (1, 1ul));
                    break;
                default:
                    throw new InvalidDataException($"An event has no field {field}.");
            }
        }

        return read;
    }

    private static void AddValue(ReadEvent read, byte[] message)
    {
        Dictionary<int, object> fields = ProtoFields.Of(message).ToDictionary(field => field.Number, field => field.Value);
        string tag = Encoding.UTF8.GetString((byte[])fields[1]);
        if (fields.TryGetValue(2, out object? number))
        {
            read.Numbers.Add(tag, BitConverter.Int32BitsToSingle((int)(uint)number));
            return;
        }

        Dictionary<int, object> histogram = ProtoFields.Of((byte[])fields[5]).ToDictionary(field => field.Number, field => field.Value);
        read.Histograms.Add(tag, new ReadHistogram(
            Number(histogram[1]), Number(histogram[2]), Number(histogram[3]), Number(histogram[4]), Number(histogram[5]), Numbers(histogram[6]), Numbers(histogram[7])));
    }

    private static double Number(object value) => BitConverter.Int64BitsToDouble((long)(ulong)value);

    private static double[] Numbers(object packed) =>
        [.. ((byte[])packed).Chunk(8).Select(bytes => BitConverter.Int64BitsToDouble(BinaryPrimitives.ReadInt64LittleEndian(bytes)))];
}

/// <summary>An event as it was read.</summary>
internal sealed class ReadEvent
{
    public double Time { get; set; }

    public long Step { get; set; }

    public string? Version { get; set; }

    public bool IsStart { get; set; }

    public Dictionary<string, float> Numbers { get; } = [];

    public Dictionary<string, ReadHistogram> Histograms { get; } = [];
}

/// <summary>A histogram as it was read.</summary>
internal sealed record ReadHistogram(double Least, double Most, double Count, double Sum, double SumOfSquares, double[] Limits, double[] Counts);
