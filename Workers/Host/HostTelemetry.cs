using System.Collections.Concurrent;
using System.Diagnostics;
using System.Diagnostics.Metrics;
using MoEActors.Workers.Commands;

namespace MoEActors.Workers.Host;

/// <summary>
/// What a host shows to those who listen to the meter and the activity source <c>MoEActors</c>: a span and the seconds of every command, and the memory of its
/// workers in bytes. When nobody listens it costs nothing.
/// </summary>
/// <param name="silo">Address of the host's silo.</param>
internal sealed class HostTelemetry(string silo) : IDisposable
{
    private static readonly ActivitySource Activities = new("MoEActors");
    private static readonly Meter Meter = new("MoEActors");
    private static readonly ConcurrentDictionary<HostTelemetry, Worker[]> Hosts = new();

    private static readonly Histogram<double> Seconds = Meter.CreateHistogram(
        "moe.worker.command.duration", "s", "What a worker's executor took for a command.", tags: null,
        new InstrumentAdvice<double> { HistogramBucketBoundaries = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60] });

    private static readonly Counter<long> Failures =
        Meter.CreateCounter<long>("moe.worker.failures", "{command}", "Commands that failed on a worker, by their own fault or a peer's.");

    private static readonly Counter<long> Refusals =
        Meter.CreateCounter<long>("moe.worker.refusals", "{command}", "Commands of coordinators that have been replaced.");

    static HostTelemetry()
    {
        Observe("moe.memory.budget", "What a device may allocate.", worker => worker.Budget);
        Observe("moe.memory.used", "What a device has allocated.", worker => worker.AllocatedBytes);
        Observe("moe.memory.arena", "What the arenas of a device hold.", worker => worker.Sum(memory => memory.Arena));
        Observe("moe.memory.arena.peak", "The most that was in use in the arenas of a device.", worker => worker.Sum(memory => memory.ArenaPeak));
        Observe("moe.memory.leaked", "What steps have left behind outside of their arena; 0, or something leaks.", worker => worker.Sum(memory => memory.Leaked));
    }

    /// <summary>Shows the memory of the host's workers, until it ends. The instruments are those of all hosts in the process, and outlive each of them.</summary>
    public void Watch(Worker[] workers) => Hosts[this] = workers;

    /// <summary>A command as listeners know it: its name without what all of them end in.</summary>
    public static string NameOf(Command command) => command.GetType().Name[..^nameof(Command).Length];

    /// <summary>Begins the span of a command, as a part of what its coordinator does; null when nobody listens.</summary>
    public static Activity? Start(CommandHeader header, Command command, WorkerId worker)
    {
        if (!Activities.HasListeners())
        {
            return null;
        }

        Activity? activity = Activities.StartActivity($"moe.command.{NameOf(command)}", ActivityKind.Server, header.Trace);
        activity?.SetTag("model", header.Model).SetTag("term", header.Term).SetTag("view", header.View).SetTag("silo", worker.Silo).SetTag("device", worker.Device);
        if (StepOf(command) is { } step)
        {
            activity?.SetTag("step", step);
        }

        return activity;
    }

    /// <summary>A worker has carried out a command, well or not.</summary>
    public void Done(CommandHeader header, Command command, int device, long started, bool failed)
    {
        if (Seconds.Enabled)
        {
            TagList tags = new() { { "silo", silo }, { "device", device }, { "model", header.Model }, { "command", NameOf(command) } };
            Seconds.Record(Stopwatch.GetElapsedTime(started).TotalSeconds, tags);
        }

        if (failed)
        {
            Failures.Add(1, new("silo", silo), new("device", device), new("model", header.Model));
        }
    }

    /// <summary>A command was refused.</summary>
    public void Refused(string model) => Refusals.Add(1, new("silo", silo), new("model", model));

    public void Dispose() => Hosts.TryRemove(this, out _);

    private static long? StepOf(Command command) => command switch
    {
        PrepareCommand prepare => prepare.Share.Step,
        LocateCommand locate => locate.Share.Step,
        CommitCommand commit => commit.Step,
        AbortCommand abort => abort.Step,
        _ => null,
    };

    private static void Observe(string name, string description, Func<Worker, long> value) => Meter.CreateObservableGauge(
        name,
        () => Hosts.Values.SelectMany(workers => workers).Select(worker => new Measurement<long>(value(worker), new("silo", worker.Id.Silo), new("device", worker.Id.Device))),
        unit: "By",
        description: description);
}
