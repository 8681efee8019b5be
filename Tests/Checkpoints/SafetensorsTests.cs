using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using MoEActors.Modules.Checkpoints;
using MoEActors.Tests.Client.Data;

namespace MoEActors.Tests.Checkpoints;

/// <summary>Safetensors files: what was written is read, and what lies is refused.</summary>
public sealed class SafetensorsTests : IDisposable
{
    private const string Good = "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}";

    /// <summary>What the JSON reader says for itself, of its own state.</summary>
    private static readonly string[] RawWords = ["The requested operation", "element has type", "BytePositionInLine", "given key", "Index was outside"];

    private readonly TemporaryFolder _folder = new();

    public static TheoryData<string> Lies =>
    [
        "not json",
        "[]",
        "{\"a\":1}",
        "{\"a\":{}}",
        Good.Replace("F32", "F16", StringComparison.Ordinal),
        Good.Replace("\"F32\"", "7", StringComparison.Ordinal),
        Good.Replace("[2]", "[3]", StringComparison.Ordinal),
        Good.Replace("[2]", "[-2]", StringComparison.Ordinal),
        Good.Replace("[2]", "[2.5]", StringComparison.Ordinal),
        Good.Replace("[2]", "[2147483647,2147483647,2147483647]", StringComparison.Ordinal),
        Good.Replace("[2]", "7", StringComparison.Ordinal),
        Good.Replace("[2]", "[2147483648]", StringComparison.Ordinal),
        Good.Replace("[2]", "null", StringComparison.Ordinal),
        Good.Replace("[2]", "[null]", StringComparison.Ordinal),
        Good.Replace("\"F32\"", "null", StringComparison.Ordinal),
        "{\"a\":null}",
        "null",
        "{\"__metadata__\":null,\"a\":[]}",
        "{\"\\ud800\":{}}",
        Good.Replace("[0,8]", "[0,12]", StringComparison.Ordinal),
        Good.Replace("[0,8]", "[4,12]", StringComparison.Ordinal),
        Good.Replace("[0,8]", "[-8,0]", StringComparison.Ordinal),
        Good.Replace("[0,8]", "[]", StringComparison.Ordinal),
        Good.Replace("[0,8]", "[0]", StringComparison.Ordinal),
        Good.Replace("[0,8]", "[0,8,8]", StringComparison.Ordinal),
        Good.Replace("[0,8]", "[0,null]", StringComparison.Ordinal),
        Good.Replace("[0,8]", "[0,1e99]", StringComparison.Ordinal),
        Good.Replace("[0,8]", "{}", StringComparison.Ordinal),
        Good.Replace("[0,8]", "[9223372036854775807,-9223372036854775801]", StringComparison.Ordinal),
        Good.Replace("[2],", "[2],\"shape\":[2],", StringComparison.Ordinal),
        Good.Replace("[2]", "[1]", StringComparison.Ordinal).Replace("[0,8]", "[0,4]", StringComparison.Ordinal),
        Good.Replace("[2]", "[1]", StringComparison.Ordinal).Replace("[0,8]", "[4,8]", StringComparison.Ordinal),
        Good.Replace("}}", "},\"b\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", StringComparison.Ordinal),
        Good.Replace("}}", "},\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", StringComparison.Ordinal),
    ];

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void What_was_written_is_read()
    {
        string path = Path.Combine(_folder.Path, "good.safetensors");
        float[] a = [1.5f, -0f, float.NaN, float.Epsilon, 5, 6];
        var writer = new SafetensorsWriter();
        writer.Add("a", [2, 3], () => a);
        writer.Add("name with \"quotes\" and é", [1], () => [7f]);
        writer.Add("nothing", [0, 4], () => []);
        new DiskFileStore().Write(path, writer.WriteTo);
        SafetensorsFile file = SafetensorsFile.Open(path);

        Assert.Equal(["a", "name with \"quotes\" and é", "nothing"], file.Names);
        Assert.Equal([2, 3], file.Shape("a"));
        Assert.Equal(a.Select(BitConverter.SingleToInt32Bits), file.Read("a").Select(BitConverter.SingleToInt32Bits));
        Assert.Equal([7f], file.Read("name with \"quotes\" and é"));
        Assert.Empty(file.Read("nothing"));
        Assert.Throws<InvalidDataException>(() => file.Read("b"));
        Assert.Equal(0, BinaryPrimitives.ReadInt64LittleEndian(File.ReadAllBytes(path)) % 8);
        Assert.Equal([path], Directory.GetFiles(_folder.Path));
        Assert.Equal(
            new[] { a, [7f], [] }.Select(values => Convert.ToHexStringLower(SHA256.HashData(MemoryMarshal.AsBytes<float>(values)))), writer.Checksums);
    }

    [Fact]
    public void A_file_that_cannot_be_finished_leaves_the_old_one()
    {
        string path = _folder.Write("old.safetensors", "old");
        var writer = new SafetensorsWriter();
        writer.Add("a", [1], () => throw new InvalidOperationException("the device burned"));
        Assert.Throws<InvalidOperationException>(() => new DiskFileStore().Write(path, writer.WriteTo));

        Assert.Equal("old", File.ReadAllText(path));
        Assert.Equal([path], Directory.GetFiles(_folder.Path));
    }

    [Theory, MemberData(nameof(Lies))]
    public void A_header_that_lies_is_refused(string header)
    {
        string path = _folder.Write("lie.safetensors", Bytes(header, new byte[8]));
        InvalidDataException refused = Assert.Throws<InvalidDataException>(() => SafetensorsFile.Open(path));
        Assert.Contains(path, refused.Message, StringComparison.Ordinal);
        Assert.All(RawWords, words => Assert.DoesNotContain(words, refused.Message, StringComparison.Ordinal));
    }

    [Fact]
    public void A_file_that_is_cut_off_anywhere_is_refused()
    {
        byte[] whole = Bytes(Good, new byte[8]);
        Assert.Equal([0f, 0f], SafetensorsFile.Open(_folder.Write("whole.safetensors", whole)).Read("a"));
        Assert.Throws<IOException>(() => SafetensorsFile.Open(_folder.Write("empty.safetensors", "")));
        for (int length = 1; length < whole.Length; length++)
        {
            string path = _folder.Write("cut.safetensors", whole[..length]);
            Assert.Throws<InvalidDataException>(() => SafetensorsFile.Open(path));
        }
    }

    [Fact]
    public void A_tensor_of_many_gigabytes_is_refused_before_memory_is_taken()
    {
        byte[] start = Bytes(Good.Replace("[2]", "[2147483647,2]", StringComparison.Ordinal).Replace("[0,8]", "[0,17179869176]", StringComparison.Ordinal), []);
        string path = _folder.Write("sparse.safetensors", start);
        using (FileStream file = File.OpenWrite(path))
        {
            file.SetLength(start.Length + 17179869176);
        }

        Assert.Contains("cannot be read", Assert.Throws<InvalidDataException>(() => SafetensorsFile.Open(path).Read("a")).Message, StringComparison.Ordinal);
    }

    [Theory, InlineData(0), InlineData(1), InlineData(-1), InlineData(long.MaxValue), InlineData(long.MinValue), InlineData(200_000_000)]
    public void A_length_of_the_header_that_lies_is_refused(long length)
    {
        byte[] bytes = Bytes(Good, new byte[8]);
        BinaryPrimitives.WriteInt64LittleEndian(bytes, length);
        string path = _folder.Write("length.safetensors", bytes);
        Assert.Throws<InvalidDataException>(() => SafetensorsFile.Open(path));
    }

    private static byte[] Bytes(string header, byte[] data)
    {
        byte[] text = Encoding.UTF8.GetBytes(header);
        byte[] bytes = new byte[sizeof(long) + text.Length + data.Length];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, text.Length);
        text.CopyTo(bytes, sizeof(long));
        data.CopyTo(bytes, sizeof(long) + text.Length);
        return bytes;
    }
}
