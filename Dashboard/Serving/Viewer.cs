using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;
using MoEActors.Dashboard.Boards;

namespace MoEActors.Dashboard.Serving;

/// <summary>
/// Somebody who looks at the board: at one model and one of its layers. All that is kept of him is the version that he has seen; what he is sent next is what
/// has changed since, once, however often it has.
/// </summary>
/// <param name="board">The board.</param>
/// <param name="model">The model; null for none.</param>
/// <param name="layer">The layer.</param>
internal sealed class Viewer(Board board, string? model, int layer)
{
    private long _seen;

    /// <summary>Goes on where an earlier stream of this board has ended.</summary>
    /// <param name="lastEventId">The id of the last message that came through.</param>
    public void Resume(string? lastEventId)
    {
        if (lastEventId?.Split('-') is [{ } id, { } version] && id == board.Id
            && long.TryParse(version, NumberStyles.None, CultureInfo.InvariantCulture, out long seen) && seen <= board.Version)
        {
            _seen = seen;
        }
    }

    /// <summary>What is new, as a server-sent event; null when nothing is.</summary>
    public ReadOnlyMemory<byte>? Next()
    {
        Message message = board.Read(Collect);
        if (message.Parts.Count == 0 && _seen > 0)
        {
            _seen = message.Version;
            return null;
        }

        _seen = message.Version;
        var buffer = new ArrayBufferWriter<byte>();
        buffer.Write(Encoding.ASCII.GetBytes(string.Create(
            CultureInfo.InvariantCulture, $"id: {board.Id}-{message.Version}\nevent: {(message.IsSnapshot ? "snapshot" : "delta")}\ndata: ")));
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartObject();
            foreach ((string name, byte[] json) in message.Parts)
            {
                writer.WritePropertyName(name);
                writer.WriteRawValue(json, skipInputValidation: true);
            }

            writer.WriteEndObject();
        }

        buffer.Write("\n\n"u8);
        return buffer.WrittenMemory;
    }

    private Message Collect()
    {
        ModelBoard? shown = model is null ? null : board.Find(model);
        long seen = _seen, ofModel = shown is not null && shown.Born > seen ? 0 : seen;
        List<(string, byte[])> parts = [];
        Add("cluster", board.Cluster, seen);
        Add("models", board.Models, seen);
        if (shown is not null)
        {
            Add("status", shown.Status, ofModel);
            Add("run", shown.Run, ofModel);
            Add("workers", shown.Workers, ofModel);
            Add("layers", shown.Layers, ofModel);
            if (shown.Find(layer) is { } ofLayer)
            {
                Add("placement", ofLayer.Placement, ofModel);
                Add("load", ofLayer.Load, ofModel);
            }

            AddItems("decisions", shown.Decisions.Since(ofModel));
            AddItems("notes", shown.Notes.Since(ofModel));
            SeriesPoint[] points = shown.Series.Since(ofModel);
            if (points.Length > 0)
            {
                parts.Add(("series", Series.ToJson(points)));
            }
        }

        return new Message(board.Version, seen == 0 || (shown is not null && ofModel == 0), parts);

        void Add(string name, Part part, long since)
        {
            if (part.Json is { } json && part.Version > since)
            {
                parts.Add((name, json));
            }
        }

        void AddItems(string name, byte[][] items)
        {
            if (items.Length > 0)
            {
                parts.Add((name, JsonArray.Of(items)));
            }
        }
    }

    private sealed record Message(long Version, bool IsSnapshot, List<(string Name, byte[] Json)> Parts);
}

/// <summary>Arrays of what is JSON already.</summary>
internal static class JsonArray
{
    /// <summary>The array of values.</summary>
    public static byte[] Of(byte[][] values)
    {
        var all = new MemoryStream();
        all.WriteByte((byte)'[');
        for (int i = 0; i < values.Length; i++)
        {
            if (i > 0)
            {
                all.WriteByte((byte)',');
            }

            all.Write(values[i]);
        }

        all.WriteByte((byte)']');
        return all.ToArray();
    }
}
