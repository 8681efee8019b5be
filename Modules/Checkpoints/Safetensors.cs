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
            using JsonDocument json = JsonText.Parse(header);
            foreach (JsonProperty tensor in json.RootElement.EnumerateObject().Where(property => property.Name != "__metadata__"))
            {
                opened.AddTensor(tensor.Name, tensor.Value, prefix.Length + length, file.Length);
            }
        }
        catch (Exception e) when (e is FormatException or InvalidOperationException)
        {
            // The second is for a name that is no text, as it has half of a surrogate pair.
            throw new InvalidDataException($"The header of '{path}' cannot be read: {e.Message.TrimEnd('.')}.", e);
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
        if (description.ValueKind != JsonValueKind.Object)
        {
            throw new FormatException($"what it has of tensor '{name}' is no object");
        }

        string type = description.Required($"dtype of tensor '{name}'", "dtype", JsonValueKind.String).Words($"the dtype of tensor '{name}'");
        if (type != "F32")
        {
            throw new InvalidDataException($"Tensor '{name}' of '{_path}' is of type {type}; F32 is supported.");
        }

        int[] shape = [.. description.Required($"shape of tensor '{name}'", "shape", JsonValueKind.Array).EnumerateArray().Select(size => Size(size, name))];
        long bytes;
        try
        {
            bytes = shape.Aggregate((long)sizeof(float), (product, size) => checked(product * size));
        }
        catch (OverflowException)
        {
            throw new FormatException($"the sizes [{string.Join(", ", shape)}] of tensor '{name}' are more than any file has");
        }

        long[] offsets =
        [
            .. description.Required($"data_offsets of tensor '{name}'", "data_offsets", JsonValueKind.Array).EnumerateArray()
                .Select(offset => offset.Whole($"an offset of tensor '{name}'")),
        ];
        if (offsets is not [long start, long end])
        {
            throw new FormatException($"the data_offsets of tensor '{name}' are {offsets.Length} numbers; they must be two");
        }

        if (start < 0 || end < start || end - start != bytes || end > fileLength - dataStart)
        {
            throw new InvalidDataException(
                $"Tensor '{name}' of '{_path}' spans {start} to {end} for {bytes} bytes in {fileLength - dataStart} bytes of data: the file is truncated or lies.");
        }

        _tensors.Add(name, (shape, dataStart + start, bytes));
    }

    private static int Size(JsonElement size, string tensor) => size.Whole($"a size of tensor '{tensor}'") is >= 0 and <= int.MaxValue and var whole
        ? (int)whole : throw new FormatException($"a size of tensor '{tensor}' is {size.GetRawText()}; it must be from 0 to {int.MaxValue}");

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
    private string[] _checksums = [];

    /// <summary>Bytes of all tensors.</summary>
    public long DataBytes => _tensors.Sum(tensor => BytesOf(tensor.Shape));

    /// <summary>Names in the order of the file.</summary>
    public IEnumerable<string> Names => _tensors.Select(tensor => tensor.Name);

    /// <summary>In the order of the file: SHA-256 of the tensors' bytes as they were written last, in hexadecimal; empty before.</summary>
    public IReadOnlyList<string> Checksums => _checksums;

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
        string[] checksums = new string[_tensors.Count];
        for (int i = 0; i < checksums.Length; i++)
        {
            float[] values = _tensors[i].Values();
            checksums[i] = Checksum.Of(values);
            stream.Write(MemoryMarshal.AsBytes<float>(values));
        }

        _checksums = checksums;
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
