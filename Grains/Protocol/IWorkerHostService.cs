using MoEActors.Grains.Interfaces.Errors;
using Orleans.Services;

namespace MoEActors.Grains.Protocol;

/// <summary>
/// What the control plane asks of the worker host of a silo. Calls are short and idempotent; work runs on the executor threads, and how it
/// ended is learnt by polling. A silo that membership takes to be alive and that this one cannot reach is noticed by calls that end sooner than Orleans' half minute.
/// </summary>
[Alias("moe.IWorkerHostService")]
public interface IWorkerHostService : IGrainService
{
    /// <summary>What this host holds of a model, once what runs has ended; "busy" when that takes longer than a call may.</summary>
    [Alias("roll"), ResponseTimeout("00:00:06")]
    Task<HostInventory> GetInventoryAsync(string model, long term);

    /// <summary>The highest term that this host has seen for a model; 0 when it holds nothing of it.</summary>
    [Alias("term"), ResponseTimeout("00:00:10")]
    Task<long> GetTermAsync(string model);

    /// <summary>Takes over a newer placement map, from which this silo answers where grains belong.</summary>
    [Alias("map"), ResponseTimeout("00:00:10")]
    Task InstallMapAsync(string model, PlacementMap map);

    /// <summary>Ends a view that has failed: what waits there for a peer fails at once instead of at its deadline.</summary>
    /// <exception cref="StaleCommandException">The term is older than one seen.</exception>
    [Alias("end"), ResponseTimeout("00:00:10")]
    Task EndViewAsync(string model, long term, long view, string reason);

    /// <summary>A run is stopped: frees what this host holds of the model, and still knows its terms. May be repeated.</summary>
    /// <exception cref="StaleCommandException">The term is older than one seen.</exception>
    [Alias("release")]
    Task ReleaseAsync(string model, long term);

    /// <summary>A model is deleted: frees what this host holds of it. May be repeated.</summary>
    /// <exception cref="StaleCommandException">The term is older than one seen.</exception>
    [Alias("forget")]
    Task ForgetAsync(string model, long term);

    /// <summary>
    /// Queues commands in their order and waits up to <paramref name="slice"/> for the last one to end: a call to submit and another to poll would be
    /// two messages more for every host and step.
    /// </summary>
    /// <returns>How it ended, or null when it has not.</returns>
    /// <exception cref="StaleCommandException">The term, view or step of one is old; those before it are queued.</exception>
    [Alias("submit")]
    Task<HostReport?> SubmitAsync(NumberedCommand[] commands, TimeSpan slice);

    /// <summary>Waits up to <paramref name="slice"/> for a command to end.</summary>
    /// <returns>How it ended, or null when it has not.</returns>
    /// <exception cref="StaleCommandException">The host knows no such command.</exception>
    [Alias("poll")]
    Task<HostReport?> PollAsync(string model, long term, long number, TimeSpan slice);
}

/// <summary>Reaches the worker host of a given silo.</summary>
public interface IWorkerHostClient : IGrainServiceClient<IWorkerHostService>
{
    /// <summary>The worker host of <paramref name="silo"/>.</summary>
    /// <exception cref="SiloUnavailableException">The silo has been declared dead.</exception>
    IWorkerHostService On(SiloAddress silo);
}
