using System.Collections.Concurrent;
using System.Text;
using MoEActors.Benchmarks;
using MoEActors.Tests.Support;

namespace MoEActors.Tests.Processes;

/// <summary>A collector of OTLP over HTTP that keeps the spans which processes send it.</summary>
internal sealed class ReceivedSpans : IDisposable
{
    private readonly OtlpSink _sink;

    public ReceivedSpans() => _sink = OtlpSink.Start((path, content) =>
    {
        if (path.EndsWith("/traces", StringComparison.Ordinal))
        {
            Add(content);
        }
        else
        {
            Others.Add(path);
        }
    });

    /// <summary>The spans so far.</summary>
    public ConcurrentQueue<ReceivedSpan> All { get; } = [];

    /// <summary>Where else something was sent to.</summary>
    public ConcurrentBag<string> Others { get; } = [];

    /// <summary>What a process must know to send here, often.</summary>
    public IReadOnlyDictionary<string, string> Environment => new Dictionary<string, string>
    {
        ["OTEL_EXPORTER_OTLP_ENDPOINT"] = _sink.Address.ToString(),
        ["OTEL_EXPORTER_OTLP_PROTOCOL"] = "http/protobuf",
        ["OTEL_BSP_SCHEDULE_DELAY"] = "100",
        ["OTEL_METRIC_EXPORT_INTERVAL"] = "1000",
        ["OTEL_BLRP_SCHEDULE_DELAY"] = "500",
    };

    public void Dispose() => _sink.Dispose();

    /// <summary>An ExportTraceServiceRequest: spans by the resource, which is a process, and by what has made them.</summary>
    private void Add(byte[] request)
    {
        foreach (byte[] resourceSpans in Messages(request, 1))
        {
            string instance = Attributes(Messages(resourceSpans, 1).SelectMany(resource => Messages(resource, 1))).GetValueOrDefault("service.instance.id", "");
            foreach (byte[] span in Messages(resourceSpans, 2).SelectMany(scope => Messages(scope, 2)))
            {
                All.Enqueue(new ReceivedSpan(
                    instance, Convert.ToHexString(Messages(span, 1).Single()), Convert.ToHexString(Messages(span, 2).Single()),
                    Convert.ToHexString(Messages(span, 4).DefaultIfEmpty([]).Single()), Encoding.UTF8.GetString(Messages(span, 5).Single()), Attributes(Messages(span, 9))));
            }
        }
    }

    private static IEnumerable<byte[]> Messages(byte[] message, int field) => ProtoFields.Of(message).Where(one => one.Number == field).Select(one => (byte[])one.Value);

    /// <summary>Texts and integers.</summary>
    private static Dictionary<string, string> Attributes(IEnumerable<byte[]> attributes) => attributes.ToDictionary(
        attribute => Encoding.UTF8.GetString(Messages(attribute, 1).Single()),
        attribute => ProtoFields.Of(Messages(attribute, 2).Single()) switch
        {
            [(1, byte[] text)] => Encoding.UTF8.GetString(text),
            [(3, ulong number)] => $"{(long)number}",
            _ => "",
        });
}

/// <summary>A span that was received.</summary>
/// <param name="Instance">The process that it comes from.</param>
/// <param name="Trace">Its trace.</param>
/// <param name="Span">Its own id.</param>
/// <param name="Parent">The span that it is a part of; empty for none.</param>
/// <param name="Name">Its name.</param>
/// <param name="Tags">Its tags.</param>
internal sealed record ReceivedSpan(string Instance, string Trace, string Span, string Parent, string Name, IReadOnlyDictionary<string, string> Tags);
