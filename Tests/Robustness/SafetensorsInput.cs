using System.Buffers.Binary;
using System.Globalization;
using System.Text;

namespace MoEActors.Tests.Robustness;

/// <summary>Safetensors files that lie: about the header's length, shapes, offsets, and what follows what.</summary>
internal static class SafetensorsInput
{
    /// <summary>A file of up to four tensors, often with one lie, sometimes spoilt beyond that.</summary>
    public static byte[] Make(Random random)
    {
        byte[] header = Encoding.UTF8.GetBytes(Header(random, random.Next(3) == 0, out int dataBytes));
        if (random.Next(3) == 0)
        {
            header = Mutation.Of(header, random);
        }

        byte[] file = new byte[sizeof(long) + header.Length + Math.Max(0, dataBytes + (random.Next(6) == 0 ? random.Next(-8, 9) : 0))];
        BinaryPrimitives.WriteInt64LittleEndian(file, random.Next(12) == 0 ? Length(random, header.Length) : header.Length);
        header.CopyTo(file, sizeof(long));
        return random.Next(10) == 0 ? file[..random.Next(file.Length + 1)] : file;
    }

    private static string Header(Random random, bool honest, out int dataBytes)
    {
        var json = new StringBuilder(random.Next(3) == 0 ? "{\"__metadata__\":{\"format\":\"pt\"}" : "{");
        long offset = 0;
        int count = random.Next(5);
        for (int i = 0; i < count; i++)
        {
            int[] shape = [.. Enumerable.Range(0, random.Next(4)).Select(_ => random.Next(5))];
            long bytes = shape.Aggregate(4L, (product, size) => product * size);
            (long start, long end) = honest || random.Next(4) > 0 ? (offset, offset + bytes) : random.Next(6) switch
            {
                0 => (offset - 4, offset - 4 + bytes),
                1 => (offset + 4, offset + 4 + bytes),
                2 => (0, bytes),
                3 => (offset, offset - bytes),
                4 => (long.MaxValue - bytes, long.MaxValue),
                _ => (-bytes, 0L),
            };
            string name = honest || random.Next(8) > 0 ? $"t{i}" : "t0";
            string shapeText = string.Join(',', shape.Select(size => !honest && random.Next(20) == 0 ? Number(random) : size.ToString(CultureInfo.InvariantCulture)));
            json.Append(CultureInfo.InvariantCulture, $"{(json.Length > 1 ? "," : "")}\"{name}\":{{\"dtype\":\"F32\",\"shape\":[{shapeText}],\"data_offsets\":[{start},{end}]}}");
            offset += bytes;
        }

        dataBytes = (int)offset;
        return json.Append('}').ToString();
    }

    private static string Number(Random random) => random.Next(5) switch
    {
        0 => "-1",
        1 => "2147483647",
        2 => "4294967297",
        3 => "1.5",
        _ => "9223372036854775807",
    };

    private static long Length(Random random, int honest) => random.Next(7) switch
    {
        0 => 0,
        1 => -1,
        2 => honest - 1,
        3 => honest + random.Next(1, 64),
        4 => long.MaxValue,
        5 => 100_000_000,
        _ => random.NextInt64(),
    };
}
