using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;
using MoEActors.Dashboard.Boards;

namespace MoEActors.Dashboard.Serving;

/// <summary>What viewers are sent: those who look at the same and have seen the same are sent the same bytes, which are made once. Kept as long as the board stays as it is.</summary>
/// <param name="board">The board.</param>
internal sealed class SharedMessages(Board board)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<(string? Model, int Layer, long Seen), (long Version, ReadOnlyMemory<byte>? Message)> _made = [];
    private long _version;

    /// <summary>What has changed for somebody.</summary>
    /// <param name="model">The model that he looks at; null for none.</param>
    /// <param name="layer">The layer.</param>
    /// <param name="seen">The version that he has seen; 0 for none.</param>
    /// <returns>The version that he has seen then, and a server-sent event; null when nothing has changed.</returns>
    public (long Version, ReadOnlyMemory<byte>? Message) Of(string? model, int layer, long seen)
    {
        lock (_lock)
        {
            if (board.Version != _version)
            {
                _version = board.Version;
                _made.Clear();
            }

            if (!_made.TryGetValue((model, layer, seen), out (long, ReadOnlyMemory<byte>?) made))
            {
                Message message = board.Read(() => Collect(model, layer, seen));
                made = (message.Version, message.Parts.Count == 0 && seen > 0 ? (ReadOnlyMemory<byte>?)null : Encode(message));
                _made.Add((model, layer, seen), made);
            }

            return made;
        }
    }

    private ReadOnlyMemory<byte> Encode(Message message)
    {
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

    private Message Collect(string? model, int layer, long seen)
    {
        ModelBoard? shown = model is null ? null : board.Find(model);
        long ofModel = shown is not null && shown.Born > seen ? 0 : seen;
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
