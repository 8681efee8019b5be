using System.Text.Json;
using System.Text.Json.Serialization;
using MoEActors.Modules.Checkpoints;

namespace MoEActors.Client.History;

/// <summary>The history of a run in a file: JSON, one event a line, in the order of steps.</summary>
public static class RunHistory
{
    private const int BufferBytes = 1 << 16;

    private static readonly JsonSerializerOptions Json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.SnakeCaseLower) },
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
        AllowOutOfOrderMetadataProperties = true,
        RespectNullableAnnotations = true,
        RespectRequiredConstructorParameters = true,
    };

    /// <summary>
    /// Reads a history, line by line. Lines that cannot be read are told of as a <see cref="GapEvent"/>; a line without an end, which a process leaves
    /// that is killed while it writes, was never part of it.
    /// </summary>
    /// <param name="path">The file. It may be written to meanwhile.</param>
    /// <exception cref="IOException">There is no such file, or it cannot be read.</exception>
    public static IEnumerable<RunEvent> Read(string path)
    {
        long last = 0;
        foreach ((RunEvent? happened, _, _) in Lines(path))
        {
            yield return happened ?? new GapEvent { Step = last, Lines = 1 };
            last = happened?.Step ?? last;
        }
    }

    /// <summary>The events of complete lines, with the offsets of each line and of the next; null for a line that cannot be read.</summary>
    internal static IEnumerable<(RunEvent? Event, long Start, long Next)> Lines(string path)
    {
        if (RegularFile.LengthOf(path) == 0)
        {
            yield break;
        }

        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        byte[] buffer = new byte[BufferBytes];
        var line = new MemoryStream();
        long start = 0;
        for (int count; (count = file.Read(buffer)) > 0;)
        {
            int from = 0;
            for (int end; (end = Array.IndexOf(buffer, (byte)'\n', from, count - from)) >= 0; from = end + 1)
            {
                line.Write(buffer, from, end - from);
                long next = start + line.Length + 1;
                yield return (Parse(line.GetBuffer().AsSpan(0, (int)line.Length)), start, next);
                start = next;
                line.SetLength(0);
            }

            line.Write(buffer, from, count - from);
        }
    }

    /// <summary>Writes an event as a line.</summary>
    internal static void Write(RunEvent happened, Stream stream)
    {
        JsonSerializer.Serialize(stream, happened, Json);
        stream.WriteByte((byte)'\n');
    }

    private static RunEvent? Parse(ReadOnlySpan<byte> line)
    {
        try
        {
            return JsonSerializer.Deserialize<RunEvent>(line, Json);
        }
        catch (Exception e) when (e is JsonException or NotSupportedException)
        {
            // NotSupportedException: a kind of event that a later version writes.
            return null;
        }
    }
}
