using System.Diagnostics;
using System.Diagnostics.Metrics;
using MoEActors.Workers.Commands;

namespace MoEActors.Workers.Host;

/// <summary>
/// What a host shows to those who listen to the meter and the activity source <c>MoEActors</c>: a span and the seconds of every command, and the memory of its
/// workers in bytes. When nobody listens it costs nothing.
/// </summary>
internal sealed class HostTelemetry : IDisposable
{
    private static readonly ActivitySource Activities = new("MoEActors");

    private readonly Meter _meter;
    private readonly string _silo;
    private readonly Histogram<double> _seconds;
    private readonly Counter<long> _failures;
    private readonly Counter<long> _refusals;

    /// <param name="host">The meter's scope: a process may have several hosts.</param>
    public HostTelemetry(WorkerHost host)
    {
        _silo = host.Silo;
        _meter = new Meter(new MeterOptions("MoEActors") { Scope = host });
        _seconds = _meter.CreateHistogram<double>("moe.worker.command.duration", "s", "What a worker's executor took for a command.");
        _failures = _meter.CreateCounter<long>("moe.worker.failures", "{command}", "Commands that failed on a worker, by their own fault or a peer's.");
        _refusals = _meter.CreateCounter<long>("moe.worker.refusals", "{command}", "Commands of coordinators that have been replaced.");
    }

    /// <summary>Shows the memory of the host's workers.</summary>
    public void Watch(Worker[] workers)
    {
        Observe(workers, "moe.memory.budget", "What a device may allocate.", worker => worker.Budget);
        Observe(workers, "moe.memory.used", "What a device has allocated.", worker => worker.AllocatedBytes);
        Observe(workers, "moe.memory.arena", "What the arenas of a device hold.", worker => worker.Sum(memory => memory.Arena));
        Observe(
            workers, "moe.memory.arena.peak", "The most that was in use in the arenas of a device.", worker => worker.Sum(memory => memory.ArenaPeak));
        Observe(
            workers, "moe.memory.leaked", "What steps have left behind outside of their arena; 0, or something leaks.",
            worker => worker.Sum(memory => memory.Leaked));
    }

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
        if (_seconds.Enabled)
        {
            TagList tags = new() { { "silo", _silo }, { "device", device }, { "model", header.Model }, { "command", NameOf(command) } };
            _seconds.Record(Stopwatch.GetElapsedTime(started).TotalSeconds, tags);
        }

        if (failed)
        {
            _failures.Add(1, new("silo", _silo), new("device", device), new("model", header.Model));
        }
    }

    /// <summary>A command was refused.</summary>
    public void Refused(string model) => _refusals.Add(1, new("silo", _silo), new("model", model));

    public void Dispose() => _meter.Dispose();

    private static long? StepOf(Command command) => command switch
    {
        PrepareCommand prepare => prepare.Share.Step,
        LocateCommand locate => locate.Share.Step,
        CommitCommand commit => commit.Step,
        AbortCommand abort => abort.Step,
        _ => null,
    };

    private void Observe(Worker[] workers, string name, string description, Func<Worker, long> value) => _meter.CreateObservableGauge(
        name,
        () => workers.Select(worker => new Measurement<long>(value(worker), new("silo", worker.Id.Silo), new("device", worker.Id.Device))),
        unit: "By",
        description: description);
}
