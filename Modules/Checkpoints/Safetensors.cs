using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace MoEActors.Modules.Checkpoints;

/// <summary>Reads fp32 tensors of a safetensors file. Sizes are checked against the file before memory is taken.</summary>
public sealed class SafetensorsFile
{
    /// <summary>The format's own limit on its header.</summary>
    private const long MaximumHeaderBytes = 100_000_000;

    private readonly string _path;
    private readonly Dictionary<string, (int[] Shape, long Start, long Bytes)> _tensors = [];

    private SafetensorsFile(string path) => _path = path;

    /// <summary>Names of the tensors.</summary>
    public IReadOnlyCollection<string> Names => _tensors.Keys;

    /// <summary>Reads a file's header.</summary>
    /// <exception cref="InvalidDataException">The file is no safetensors file, or its sizes are wrong; the message says where.</exception>
    /// <exception cref="IOException">The file is missing, empty, a folder, a pipe or a device.</exception>
    public static SafetensorsFile Open(string path)
    {
        using FileStream file = RegularFile.OpenRead(path);
        return Read(file, path);
    }

    /// <summary>Reads a header.</summary>
    /// <param name="file">What the file has in it.</param>
    /// <param name="path">Its name, for reading tensors and for errors.</param>
    internal static SafetensorsFile Read(Stream file, string path)
    {
        Span<byte> prefix = stackalloc byte[sizeof(long)];
        if (file.Length < prefix.Length)
        {
            throw new InvalidDataException($"'{path}' has {file.Length} bytes; a safetensors file starts with the eight bytes of its header's length.");
        }

        file.ReadExactly(prefix);
        long length = BinaryPrimitives.ReadInt64LittleEndian(prefix);
        if (length < 2 || length > Math.Min(MaximumHeaderBytes, file.Length - prefix.Length))
        {
            throw new InvalidDataException($"'{path}' announces a header of {length} bytes in a file of {file.Length}: it is truncated or no safetensors file.");
        }

        byte[] header = new byte[length];
        file.ReadExactly(header);
        var opened = new SafetensorsFile(path);
        try
        {
            using JsonDocument json = JsonDocument.Parse(header, new JsonDocumentOptions { AllowDuplicateProperties = false });
            foreach (JsonProperty tensor in json.RootElement.EnumerateObject().Where(property => property.Name != "__metadata__"))
            {
                opened.AddTensor(tensor.Name, tensor.Value, prefix.Length + length, file.Length);
            }
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or KeyNotFoundException or FormatException or OverflowException
            or IndexOutOfRangeException)
        {
            throw new InvalidDataException($"The header of '{path}' cannot be read: {e.Message}", e);
        }

        opened.RequireEveryByteOnce(prefix.Length + length, file.Length);
        return opened;
    }

    /// <summary>Shape of a tensor.</summary>
    /// <exception cref="InvalidDataException">The file has no such tensor.</exception>
    public int[] Shape(string name) => Find(name).Shape;

    /// <summary>Elements of a tensor.</summary>
    /// <exception cref="InvalidDataException">The file has no such tensor, or one too large for an array.</exception>
    public float[] Read(string name)
    {
        (_, long start, long bytes) = Find(name);
        if (bytes / sizeof(float) > Array.MaxLength)
        {
            throw new InvalidDataException($"Tensor '{name}' of '{_path}' has {bytes / sizeof(float)} elements; more than {Array.MaxLength} cannot be read.");
        }

        float[] values = new float[bytes / sizeof(float)];
        using FileStream file = File.OpenRead(_path);
        file.Position = start;
        file.ReadExactly(MemoryMarshal.AsBytes(values.AsSpan()));
        return values;
    }

    private (int[] Shape, long Start, long Bytes) Find(string name) =>
        _tensors.TryGetValue(name, out (int[] Shape, long Start, long Bytes) found)
            ? found
            : throw new InvalidDataException($"'{_path}' has no tensor '{name}'.");

    private void AddTensor(string name, JsonElement description, long dataStart, long fileLength)
    {
        string? type = description.GetProperty("dtype").GetString();
        if (type != "F32")
        {
            throw new InvalidDataException($"Tensor '{name}' of '{_path}' is of type {type}; F32 is supported.");
        }

        int[] shape = [.. description.GetProperty("shape").EnumerateArray().Select(size => size.GetInt32())];
        long bytes = shape.Aggregate((long)sizeof(float), (product, size) => size < 0 ? throw new FormatException($"'{name}' has a negative size.") : checked(product * size));
        JsonElement offsets = description.GetProperty("data_offsets");
        long start = offsets[0].GetInt64();
        long end = offsets[1].GetInt64();
        if (start < 0 || end < start || end - start != bytes || end > fileLength - dataStart)
        {
            throw new InvalidDataException(
                $"Tensor '{name}' of '{_path}' spans {start} to {end} for {bytes} bytes in {fileLength - dataStart} bytes of data: the file is truncated or lies.");
        }

        _tensors.Add(name, (shape, dataStart + start, bytes));
    }

    /// <summary>The format demands that tensors cover the data without holes or overlaps, so that a file has one meaning and no hidden content.</summary>
    private void RequireEveryByteOnce(long dataStart, long fileLength)
    {
        long end = dataStart;
        foreach ((string name, (_, long start, long bytes)) in _tensors.OrderBy(tensor => tensor.Value.Start).ThenBy(tensor => tensor.Value.Bytes))
        {
            if (start != end)
            {
                throw new InvalidDataException(
                    $"Tensor '{name}' of '{_path}' starts at byte {start - dataStart} of the data, where {end - dataStart} comes next: tensors overlap or leave a hole.");
            }

            end += bytes;
        }

        if (end != fileLength)
        {
            throw new InvalidDataException($"'{_path}' has {fileLength - end} bytes behind its last tensor.");
        }
    }
}

/// <summary>
/// Writes fp32 tensors in the safetensors format: an eight-byte little-endian length, a JSON header of names, shapes and offsets, then the data.
/// </summary>
public sealed class SafetensorsWriter
{
    private readonly List<(string Name, int[] Shape, Func<float[]> Values)> _tensors = [];

    /// <summary>Bytes of all tensors.</summary>
    public long DataBytes => _tensors.Sum(tensor => BytesOf(tensor.Shape));

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
        var header = new JsonObject { ["__metadata__"] = new JsonObject { ["format"] = "pt" } };
        long offset = 0;
        foreach ((string name, int[] shape, _) in _tensors)
        {
            long end = offset + BytesOf(shape);
            header.Add(name, new JsonObject
            {
                ["dtype"] = "F32",
                ["shape"] = new JsonArray([.. shape.Select(size => JsonValue.Create(size))]),
                ["data_offsets"] = new JsonArray(offset, end),
            });
            offset = end;
        }

        // Data start on eight bytes: the header, which is ASCII, is filled up with blanks, as the format allows.
        string text = header.ToJsonString();
        return Encoding.ASCII.GetBytes(text.PadRight((text.Length + 7) / 8 * 8));
    }

    private static long BytesOf(int[] shape) => shape.Aggregate((long)sizeof(float), (product, size) => product * size);
}
