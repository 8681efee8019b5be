using Orleans.Services;

namespace MoEActors.Grains.Interfaces.Workers;

/// <summary>
/// The control plane's door to the worker host of a silo. Calls are short and idempotent; work runs on the executor threads, and how it
/// ended is learnt by polling.
/// </summary>
[Alias("moe.IWorkerHostService")]
public interface IWorkerHostService : IGrainService
{
    /// <summary>What this host holds of a model, once what runs has ended; "busy" when that takes longer than a call may.</summary>
    [Alias("roll")]
    Task<HostRoll> CallRollAsync(string model, long term);

    /// <summary>Takes over a newer placement map, from which this silo answers where grains belong.</summary>
    [Alias("map")]
    Task InstallMapAsync(string model, PlacementMapMessage map);

    /// <summary>Ends an epoch that has failed: what waits there for a peer fails at once instead of at its deadline.</summary>
    /// <exception cref="Errors.StaleCommandException">The term is older than one seen.</exception>
    [Alias("end")]
    Task EndEpochAsync(string model, long term, long epoch, string reason);

    /// <summary>Queues an order and returns at once.</summary>
    /// <exception cref="Errors.StaleCommandException">Its term, epoch or step is old.</exception>
    [Alias("submit")]
    Task SubmitAsync(OrderHead head, WorkOrder order);

    /// <summary>Waits up to <paramref name="slice"/> for an order to end.</summary>
    /// <returns>How it ended, or null when it has not.</returns>
    /// <exception cref="Errors.StaleCommandException">The host knows no such order.</exception>
    [Alias("poll")]
    Task<WorkReport?> PollAsync(string model, long term, long number, TimeSpan slice);
}
