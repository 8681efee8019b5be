using System.Diagnostics.Metrics;

namespace MoEActors.Workers.Host;

/// <summary>The memory of a host's workers as metrics of the meter <c>MoEActors</c>, in bytes, tagged with silo and device.</summary>
internal sealed class MemoryMeter : IDisposable
{
    private readonly Meter _meter;
    private readonly Worker[] _workers;

    /// <param name="host">The meter's scope: a process may have several hosts.</param>
    /// <param name="workers">The host's workers.</param>
    public MemoryMeter(WorkerHost host, Worker[] workers)
    {
        _meter = new Meter(new MeterOptions("MoEActors") { Scope = host });
        _workers = workers;
        Observe("moe.memory.budget", "What a device may allocate.", worker => worker.Budget);
        Observe("moe.memory.used", "What a device has allocated.", worker => worker.AllocatedBytes);
        Observe("moe.memory.arena", "What the arenas of a device hold.", worker => worker.Sum(memory => memory.Arena));
        Observe("moe.memory.arena.peak", "The most that was in use in the arenas of a device.", worker => worker.Sum(memory => memory.ArenaPeak));
        Observe("moe.memory.leaked", "What steps have left behind outside of their arena; 0, or something leaks.", worker => worker.Sum(memory => memory.Leaked));
    }

    /// <inheritdoc />
    public void Dispose() => _meter.Dispose();

    private void Observe(string name, string description, Func<Worker, long> value) => _meter.CreateObservableGauge(
        name,
        () => _workers.Select(worker => new Measurement<long>(value(worker), new("silo", worker.Id.Silo), new("device", worker.Id.Device))),
        unit: "By",
        description: description);
}
