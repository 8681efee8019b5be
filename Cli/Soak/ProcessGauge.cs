using System.Diagnostics.Tracing;
using System.Globalization;
using System.Text.Json;
using Microsoft.Diagnostics.NETCore.Client;
using MoEActors.Cli.Silos;
using MoEActors.Cli.Supervision;

namespace MoEActors.Cli.Soak;

/// <summary>What the process of a silo needs after some step, after a collection of its heap.</summary>
/// <param name="Step">The step.</param>
/// <param name="HeapBytes">Its managed heap.</param>
/// <param name="NativeBytes">Its own memory, less what its managed heap has taken from the system.</param>
/// <param name="Threads">Its threads.</param>
/// <param name="Sockets">Its sockets.</param>
/// <param name="Handles">All that it has open.</param>
/// <param name="RefusedConnections">Connections that it has refused since it began.</param>
internal sealed record SoakSample(long Step, long HeapBytes, long NativeBytes, int Threads, int Sockets, int Handles, long RefusedConnections);

/// <summary>Measures processes of silos from outside, on Linux.</summary>
internal static class ProcessGauge
{
    /// <summary>The keyword of the runtime's events whose listening makes it collect its heap.</summary>
    private const long HeapCollect = 0x800000;

    private static readonly HttpClient Http = new();

    /// <summary>Has a process collect its heap, and measures it.</summary>
    /// <param name="process">Its number.</param>
    /// <param name="healthPort">Where it tells its health.</param>
    /// <param name="step">The step.</param>
    /// <param name="cancellation">Ends it.</param>
    public static async Task<SoakSample> MeasureAsync(int process, int healthPort, long step, CancellationToken cancellation)
    {
        await CollectAsync(process, cancellation);
        using JsonDocument health = JsonDocument.Parse(await Http.GetStringAsync($"http://127.0.0.1:{healthPort}{SiloHost.Ready}", cancellation));
        long Of(string name) => health.RootElement.GetProperty(name).GetInt64();
        string[] status = await File.ReadAllLinesAsync($"/proc/{process}/status", cancellation);
        long Line(string name) => long.Parse(
            status.First(line => line.StartsWith(name, StringComparison.Ordinal)).Split(['\t', ' ', ':'], StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture);
        string[] open = [.. OpenHandles.Of(process)];
        return new SoakSample(
            step, Of("heap_bytes"), Math.Max(0, (Line("RssAnon") * 1024) - Of("committed_bytes")), (int)Line("Threads"),
            open.Count(name => name.StartsWith("socket:", StringComparison.Ordinal)), open.Length, Of("refused_connections"));
    }

    private static async Task CollectAsync(int process, CancellationToken cancellation)
    {
        var client = new DiagnosticsClient(process);
        using EventPipeSession session = await client.StartEventPipeSessionAsync(
            [new EventPipeProvider("Microsoft-Windows-DotNETRuntime", EventLevel.Informational, HeapCollect)], requestRundown: false, circularBufferMB: 16, cancellation);
        Task drained = session.EventStream.CopyToAsync(Stream.Null, cancellation);
        await session.StopAsync(cancellation);
        await drained;
    }
}
