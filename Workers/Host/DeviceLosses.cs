using Microsoft.Extensions.Logging;
using MoEActors.Workers.Commands;

namespace MoEActors.Workers.Host;

/// <summary>Notices when a device of the host can compute no more: what is on it is lost, as when the silo had died.</summary>
internal sealed class DeviceLosses(ILogger log)
{
    /// <summary>Long enough for membership to notice that a silo has ended.</summary>
    private static readonly TimeSpan LateAnswer = TimeSpan.FromSeconds(10);

    private readonly TaskCompletionSource<DeviceException> _first = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Ends with the first loss.</summary>
    public Task<DeviceException> First => _first.Task;

    /// <summary>
    /// Ends a piece of work with its failure. When the device is lost the silo ends, and its peers go on without it as after any death: an answer now would end
    /// their work with this worker's error. Where the silo does not end, the answer comes late. From any thread.
    /// </summary>
    public void Fail(TaskCompletionSource<WorkerReport?> work, WorkerId worker, string model, Exception cause)
    {
        if (LossIn(cause) is not { } lost)
        {
            work.SetException(cause);
            return;
        }

        if (_first.TrySetResult(lost))
        {
            WorkerHostLog.DeviceLost(log, worker, model, lost.Message);
        }

        _ = Task.Delay(LateAnswer).ContinueWith(_ => work.TrySetException(cause), TaskScheduler.Default);
    }

    /// <summary>The loss of a device among an exception and its causes; null where there is none. What a peer has lost is not this worker's loss.</summary>
    private static DeviceException? LossIn(Exception? exception) => exception switch
    {
        null or CommunicatorException { IsOwn: false } => null,
        DeviceException { IsLost: true } lost => lost,
        AggregateException many => many.InnerExceptions.Select(LossIn).FirstOrDefault(lost => lost is not null),
        _ => LossIn(exception.InnerException),
    };
}
