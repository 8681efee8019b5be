using System.Collections.Concurrent;
using System.Diagnostics;
using System.Diagnostics.Metrics;
using Microsoft.Extensions.Logging;

namespace MoEActors.Tests.Telemetry;

/// <summary>Keeps what is logged, traced and measured of one model, however many clusters there are in this process.</summary>
internal sealed class TelemetryCapture : ILoggerProvider
{
    private readonly string _model;
    private readonly ActivityListener _activities;
    private readonly MeterListener _meters = new();

    public TelemetryCapture(string model)
    {
        _model = model;
        _activities = new ActivityListener
        {
            ShouldListenTo = source => source.Name == "MoEActors",
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllData,
            ActivityStopped = activity =>
            {
                if (model.Equals(activity.GetTagItem("model")))
                {
                    Spans.Enqueue(activity);
                }
            },
        };
        ActivitySource.AddActivityListener(_activities);
        _meters.InstrumentPublished = (instrument, listener) =>
        {
            if (instrument.Meter.Name == "MoEActors")
            {
                listener.EnableMeasurementEvents(instrument);
            }
        };
        _meters.SetMeasurementEventCallback<long>((instrument, value, tags, _) => Keep(instrument, value, tags));
        _meters.SetMeasurementEventCallback<double>((instrument, value, tags, _) => Keep(instrument, value, tags));
        _meters.Start();
    }

    public ConcurrentQueue<(EventId Id, LogLevel Level, string Category, string Message)> Events { get; } = [];

    public ConcurrentQueue<Activity> Spans { get; } = [];

    public ConcurrentQueue<(Instrument Instrument, double Value, Dictionary<string, object?> Tags)> Measurements { get; } = [];

    public double Sum(string instrument) => Measurements.Where(one => one.Instrument.Name == instrument).Sum(one => one.Value);

    public int Count(string instrument) => Measurements.Count(one => one.Instrument.Name == instrument);

    public ILogger CreateLogger(string categoryName) => new Logger(this, categoryName);

    public void Dispose()
    {
        _activities.Dispose();
        _meters.Dispose();
    }

    private void Keep(Instrument instrument, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        Dictionary<string, object?> known = [];
        foreach (KeyValuePair<string, object?> tag in tags)
        {
            known[tag.Key] = tag.Value;
        }

        if (_model.Equals(known.GetValueOrDefault("model")))
        {
            Measurements.Enqueue((instrument, value, known));
        }
    }

    private sealed class Logger(TelemetryCapture capture, string category) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            // Orleans logs the life of a grain service under the name of its class.
            string message = formatter(state, exception);
            if (category.StartsWith("MoEActors.", StringComparison.Ordinal) && message.Contains(capture._model, StringComparison.Ordinal))
            {
                capture.Events.Enqueue((eventId, logLevel, category, message));
            }
        }
    }
}
