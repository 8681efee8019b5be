using Microsoft.Extensions.Logging;

namespace MoEActors.Workers.Host;

/// <summary>Notices when a device of the host can compute no more: what is on it is lost, as when the silo had died.</summary>
internal sealed class DeviceLosses(ILogger log)
{
    private readonly TaskCompletionSource<DeviceException> _first = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Ends with the first loss.</summary>
    public Task<DeviceException> First => _first.Task;

    /// <summary>Looks for a loss in what a worker has failed with. From any thread.</summary>
    /// <returns>Whether there was one.</returns>
    public bool Report(WorkerId worker, string model, Exception failure)
    {
        if (DeviceException.LossIn(failure) is not { } lost)
        {
            return false;
        }

        if (_first.TrySetResult(lost))
        {
            WorkerHostLog.DeviceLost(log, worker, model, lost.Message);
        }

        return true;
    }
}
