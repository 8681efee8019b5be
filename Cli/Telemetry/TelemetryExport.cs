using System.Collections;
using Microsoft.Extensions.Configuration;
using OpenTelemetry;
using OpenTelemetry.Logs;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace MoEActors.Cli.Telemetry;

/// <summary>
/// Sends spans, figures and logs to a collector by OTLP, where the standard variable of the environment names one; the others (OTEL_...) say the rest. Nothing is sent, and no span is made,
/// where it does not.
/// </summary>
internal static class TelemetryExport
{
    public const string EndpointVariable = "OTEL_EXPORTER_OTLP_ENDPOINT";

    private const string Prefix = "OTEL_";

    /// <summary>What metrics, spans and the service are called.</summary>
    private const string Source = "MoEActors", Service = "moe";

    /// <summary>Memory, garbage collection and threads, as .NET itself measures them.</summary>
    private const string RuntimeMeter = "System.Runtime";

    /// <summary>Where telemetry is sent; null for nowhere.</summary>
    /// <exception cref="UsageException">The variable is no address.</exception>
    public static Uri? Endpoint()
    {
        if (Environment.GetEnvironmentVariable(EndpointVariable) is not { Length: > 0 } text)
        {
            return null;
        }

        UsageException.ThrowUnless(
            Uri.TryCreate(text, UriKind.Absolute, out Uri? endpoint) && endpoint.Scheme is "http" or "https",
            $"{EndpointVariable} is '{text}'; it must be where a collector listens, as in http://127.0.0.1:4317.");
        return endpoint;
    }

    /// <summary>The standard variables, for a host that takes nothing else from its environment.</summary>
    public static IConfigurationBuilder AddTelemetryVariables(this IConfigurationBuilder configuration) => configuration.AddInMemoryCollection(
        Environment.GetEnvironmentVariables().Cast<DictionaryEntry>()
            .Where(variable => ((string)variable.Key).StartsWith(Prefix, StringComparison.Ordinal))
            .Select(variable => KeyValuePair.Create((string)variable.Key, (string?)variable.Value)));

    /// <summary>Adds what silos measure, and, where it is to be sent, spans and logs.</summary>
    /// <param name="telemetry">The telemetry of a process.</param>
    /// <param name="instance">Name of the silo, or of the machine.</param>
    /// <param name="send">Adds an exporter of all; null where nothing is sent.</param>
    public static IOpenTelemetryBuilder AddMoE(this IOpenTelemetryBuilder telemetry, string instance, Action<IOpenTelemetryBuilder>? send)
    {
        telemetry
            .ConfigureResource(resource => resource.AddService(Service, serviceInstanceId: instance).AddEnvironmentVariableDetector())
            .WithMetrics(metrics => metrics.AddMeter(Source, RuntimeMeter));
        if (send is not null)
        {
            telemetry
                .WithTracing(tracing => tracing.AddSource(Source))
                .WithLogging(configureBuilder: null, logs => logs.IncludeFormattedMessage = true);
            send(telemetry);
        }

        return telemetry;
    }

    /// <summary>Sends to the collector that the environment names; null where it names none.</summary>
    /// <exception cref="UsageException">The variable is no address.</exception>
    public static Action<IOpenTelemetryBuilder>? ToCollector() => Endpoint() is null ? null : telemetry => telemetry.UseOtlpExporter();

    /// <summary>Sends what silos inside this process measure and trace; null where there is no collector.</summary>
    /// <exception cref="UsageException">The variable is no address.</exception>
    public static OpenTelemetrySdk? Begin() => ToCollector() is { } send ? OpenTelemetrySdk.Create(telemetry => telemetry.AddMoE(Environment.MachineName, send)) : null;
}
