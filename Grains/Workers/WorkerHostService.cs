using Microsoft.Extensions.Logging;
using MoEActors.Grains.Interfaces.Workers;
using Orleans.Concurrency;

namespace MoEActors.Grains.Workers;

/// <summary>The grain service through which the control plane reaches the worker host of its silo.</summary>
[Reentrant]
public sealed class WorkerHostService(GrainId id, Silo silo, ILoggerFactory loggers, WorkerHost host)
    : GrainService(id, silo, loggers), IWorkerHostService
{
    /// <inheritdoc />
    public Task<HostRoll> CallRollAsync(string model, long term) => host.CallRollAsync(model, term);

    /// <inheritdoc />
    public Task InstallMapAsync(string model, PlacementMapMessage map)
    {
        host.InstallMap(model, map);
        return Task.CompletedTask;
    }

    /// <inheritdoc />
    public Task EndEpochAsync(string model, long term, long epoch, string reason)
    {
        host.EndEpoch(model, term, epoch, reason);
        return Task.CompletedTask;
    }

    /// <inheritdoc />
    public Task SubmitAsync(OrderHead head, WorkOrder order)
    {
        host.Submit(head, order);
        return Task.CompletedTask;
    }

    /// <inheritdoc />
    public Task<WorkReport?> PollAsync(string model, long term, long number, TimeSpan slice) => host.PollAsync(model, term, number, slice);

    /// <inheritdoc />
    public override Task Stop()
    {
        host.Interrupt(new OperationCanceledException($"Silo {host.Silo} is stopping."));
        return base.Stop();
    }
}
