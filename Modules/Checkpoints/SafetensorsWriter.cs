using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text.Json;

namespace MoEActors.Modules.Checkpoints;

/// <summary>
/// Writes fp32 tensors in the safetensors format: an eight-byte little-endian length, a JSON header of names, shapes and offsets, then the data.
/// </summary>
public sealed class SafetensorsWriter
{
    private readonly List<(string Name, int[] Shape, Func<float[]> Values)> _tensors = [];

    /// <summary>Bytes of all tensors.</summary>
    public long DataBytes => _tensors.Sum(tensor => sizeof(float) * tensor.Shape.Aggregate(1L, (product, size) => product * size));

    /// <summary>Names in the order of the file.</summary>
    public IEnumerable<string> Names => _tensors.Select(tensor => tensor.Name);

    /// <summary>Adds a tensor.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="shape">Its shape.</param>
    /// <param name="values">Gives its elements when the file is written.</param>
    public void Add(string name, int[] shape, Func<float[]> values) => _tensors.Add((name, shape, values));

    /// <summary>Writes header and data.</summary>
    public void WriteTo(Stream stream)
    {
        ArgumentNullException.ThrowIfNull(stream);
        byte[] header = Header();
        Span<byte> length = stackalloc byte[sizeof(long)];
        BinaryPrimitives.WriteInt64LittleEndian(length, header.Length);
        stream.Write(length);
        stream.Write(header);
        foreach ((_, _, Func<float[]> values) in _tensors)
        {
            stream.Write(MemoryMarshal.AsBytes<float>(values()));
        }
    }

    private byte[] Header()
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteStartObject("__metadata__");
            json.WriteString("format", "pt");
            json.WriteEndObject();
            long offset = 0;
            foreach ((string name, int[] shape, _) in _tensors)
            {
                json.WriteStartObject(name);
                json.WriteString("dtype", "F32");
                json.WriteStartArray("shape");
                long bytes = sizeof(float);
                foreach (int size in shape)
                {
                    json.WriteNumberValue(size);
                    bytes *= size;
                }

                json.WriteEndArray();
                json.WriteStartArray("data_offsets");
                json.WriteNumberValue(offset);
                json.WriteNumberValue(offset += bytes);
                json.WriteEndArray();
                json.WriteEndObject();
            }

            json.WriteEndObject();
        }

        // Data start on eight bytes: the header is filled up with blanks, as the format allows.
        while (buffer.Length % 8 != 0)
        {
            buffer.WriteByte((byte)' ');
        }

        return buffer.ToArray();
    }
}
