using System.Diagnostics.Tracing;

namespace MoEActors.Cli.Telemetry;

/// <summary>Tells when telemetry cannot be sent: the exporter itself keeps silent about it, and goes on trying.</summary>
internal sealed class ExportWatch : EventListener
{
    private const string Exporter = "OpenTelemetry-Exporter-OpenTelemetryProtocol";

    /// <summary>Between two remarks; what cannot be sent is tried again every few seconds.</summary>
    private static readonly TimeSpan Pause = TimeSpan.FromMinutes(5);

    private readonly Action<string> _remark;
    private readonly TimeProvider _time;
    private readonly Lock _lock = new();
    private DateTimeOffset _next;

    /// <summary>Begins to watch.</summary>
    /// <param name="remark">Is told, at most once in five minutes.</param>
    /// <param name="time">The clock.</param>
    public ExportWatch(Action<string> remark, TimeProvider time)
    {
        (_remark, _time) = (remark, time);

        // The base class has asked before the fields were set.
        foreach (EventSource source in EventSource.GetSources())
        {
            OnEventSourceCreated(source);
        }
    }

    /// <inheritdoc />
    protected override void OnEventSourceCreated(EventSource eventSource)
    {
        if (_remark is not null && eventSource.Name == Exporter)
        {
            EnableEvents(eventSource, EventLevel.Error);
        }
    }

    /// <inheritdoc />
    protected override void OnEventWritten(EventWrittenEventArgs eventData)
    {
        if (eventData.EventSource.Name != Exporter || eventData.Level is not (EventLevel.Error or EventLevel.Critical))
        {
            // Events without a level come to every listener.
            return;
        }

        lock (_lock)
        {
            DateTimeOffset now = _time.GetUtcNow();
            if (now < _next)
            {
                return;
            }

            _next = now + Pause;
        }

        object?[] values = [.. eventData.Payload ?? []];
        string cause = values.OfType<string>().LastOrDefault() ?? eventData.EventName ?? "unknown";
        _remark($"Telemetry cannot be sent to {TelemetryExport.EndpointVariable}={Environment.GetEnvironmentVariable(TelemetryExport.EndpointVariable)}: {cause.Split('\n')[0].Trim()}");
    }
}
