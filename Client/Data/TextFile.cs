using System.Text.Unicode;
using MoEActors.Modules.Checkpoints;

namespace MoEActors.Client.Data;

/// <summary>A file that may be text.</summary>
/// <param name="Name">What it is called: its path as it was come by.</param>
/// <param name="RealPath">Its path without links: the same for every name of the file.</param>
/// <param name="IsLink">Whether the name is a link's.</param>
/// <param name="Raw">The path as bytes, where it is no UTF-8.</param>
internal sealed record TextFile(string Name, string RealPath, bool IsLink = false, byte[]? Raw = null)
{
    private const string NotText = "is not UTF-8 text";

    /// <summary>Whether a file of that name has one record of JSON a line (JSONL). Whether its lines are UTF-8, each of them tells.</summary>
    public static bool HoldsRecords(string name) => name.EndsWith(".jsonl", StringComparison.OrdinalIgnoreCase);

    /// <summary>Reads the text; null, and in words why, when it is none. Looks at size and beginning before it takes memory for the rest.</summary>
    /// <param name="room">Bytes that there is memory for.</param>
    /// <param name="violation">Why it is no text; null when it is.</param>
    /// <exception cref="TextSourceException">It cannot be read, or is larger than the room.</exception>
    public byte[]? Read(long room, out string? violation)
    {
        try
        {
            if (Raw is null && RegularFile.LengthOf(RealPath) == 0)
            {
                // A pipe would not even open.
                violation = "is empty, or a pipe or device";
                return null;
            }

            using FileStream file = Raw is null ? File.OpenRead(RealPath) : RawFolder.OpenRead(Raw);
            violation = file.Length == 0 ? "is empty, or a pipe or device" : BeginsAsText(file) ? null : NotText;
            if (violation is not null)
            {
                return null;
            }

            if (file.Length > Math.Min(room, Array.MaxLength))
            {
                throw new TextSourceException(
                    "The text does not fit into memory", Name,
                    FormattableString.Invariant($"It has {file.Length:N0} bytes, and there is room for {Math.Min(room, Array.MaxLength):N0}: name less text, or a part of it."));
            }

            byte[] bytes = new byte[file.Length];
            file.ReadExactly(bytes);
            violation = HoldsRecords(Name) || IsText(bytes) ? null : NotText;
            return violation is null ? bytes : null;
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            violation = "is a link that leads nowhere";
            return null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new TextSourceException("The file cannot be read", Name, e.Message, e);
        }
    }

    private static bool BeginsAsText(FileStream file)
    {
        Span<byte> beginning = stackalloc byte[4096];
        int count = file.Read(beginning);
        file.Position = 0;
        return !beginning[..count].Contains((byte)0);
    }

    /// <summary>A zero byte is valid UTF-8 and in no text.</summary>
    private static bool IsText(byte[] bytes) => !bytes.AsSpan().Contains((byte)0) && Utf8.IsValid(bytes);
}
