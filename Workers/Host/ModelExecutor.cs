using System.Diagnostics;
using Microsoft.Extensions.Logging;
using MoEActors.Modules.Checkpoints;
using MoEActors.Workers.Commands;
using MoEActors.Workers.Estimation;
using MoEActors.Workers.Snapshots;
using MoEActors.Workers.Training;

namespace MoEActors.Workers.Host;

/// <summary>
/// One model on one worker: a thread for its commands, another for the copies of its shards, and a device context of its own. Every model has its own,
/// since collectives block: models that shared a thread would wait for each other in another order on every worker, until their deadlines. The operating
/// system gives them equal shares of the processors.
/// </summary>
/// <param name="worker">The worker.</param>
/// <param name="model">The model.</param>
/// <param name="device">The worker's device.</param>
/// <param name="services">What every worker of the host uses.</param>
/// <param name="free">Bytes that there may still be of copies of snapshots.</param>
internal sealed class ModelExecutor(WorkerId worker, string model, IDevice device, WorkerServices services, Func<long> free) : IDisposable
{
    private readonly IDevice _device = device.OpenContext();
    private readonly Executor _commands = new($"moe {worker.Device} {model}");
    private readonly Executor _copies = new($"moe copy {worker.Device} {model}");
    private volatile WorkerModel? _model;

    /// <summary>What the worker holds of the model; null before its first view. Read from the control plane, changed on the executor.</summary>
    public WorkerModel? Model => _model;

    /// <summary>Bytes that the model has allocated on the device.</summary>
    public long AllocatedBytes => _device.AllocatedBytes;

    /// <summary>Bytes that it has for copies of snapshots, in the host's memory.</summary>
    public long CopyBytes => _model?.Snapshots?.Copies.Bytes ?? 0;

    /// <summary>Runs a command on the executor; the task ends, elsewhere, with this worker's report, or with null if it is not in the command's view.</summary>
    public Task<WorkerReport?> RunAsync(CommandHeader header, Command command)
    {
        var completion = new TaskCompletionSource<WorkerReport?>(TaskCreationOptions.RunContinuationsAsynchronously);
        _commands.Post(() =>
        {
            try
            {
                completion.SetResult(RunObserved(header, command));
            }
            catch (Exception e)
            {
                services.Losses.Fail(completion, worker, model, e);

                // The other ranks wait for this one: they fail with its cause instead of at their deadline.
                _model?.Interrupt(e);
            }
        });
        return completion.Task;
    }

    /// <summary>Ends when everything queued before has been done.</summary>
    public Task DrainAsync()
    {
        var completion = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _commands.Post(completion.SetResult);
        return completion.Task;
    }

    public void Dispose()
    {
        _commands.Dispose();
        _model?.Dispose();
        _copies.Dispose();
        _device.Dispose();
    }

    private WorkerReport? RunObserved(CommandHeader header, Command command)
    {
        long started = Stopwatch.GetTimestamp();
        using Activity? activity = HostTelemetry.Start(header, command, worker);
        try
        {
            WorkerReport? report = Run(header, command);
            services.Telemetry.Done(header, command, worker.Device, started, failed: false);
            if (report is not null)
            {
                WorkerHostLog.Done(services.Log, header, command, worker, _model!, started);
            }

            return report;
        }
        catch (Exception e)
        {
            activity?.SetStatus(ActivityStatusCode.Error, e.Message);
            services.Telemetry.Done(header, command, worker.Device, started, failed: true);
            WorkerHostLog.Failed(services.Log, header, command, worker, e);
            throw;
        }
    }

    private WorkerReport? Run(CommandHeader header, Command command)
    {
        long before = _model?.Shards.OtherBytes ?? _device.AllocatedBytes;
        try
        {
            WorkerReport? report = command is OpenViewCommand open ? Open(header, open)
                : _model is { View: { } view } found && view.Number == header.View ? CommandExecution.Run(header, command, found, services)
                : null;

            // What the command has queued is done when it is reported, and its failures are its own: copies may read parameters on another stream.
            _device.Synchronize();
            return report;
        }
        finally
        {
            _model?.Gauge.Add(command, _model.Shards.OtherBytes - before);
            _model?.Snapshots!.Copies.Yield();
        }
    }

    private OpenViewReport? Open(CommandHeader header, OpenViewCommand command)
    {
        int rank = command.Map.RankOf(worker);
        if (rank < 0)
        {
            return null;
        }

        if (_model is null)
        {
            RunConfiguration run = command.Run.Using(services.Kinds);
            run.Validate();
            _model = new WorkerModel(
                worker, _device, run, services.Callers, services.Communicators, _copies.Post,
                new SnapshotWriter(model, run.Model, services.Files, services.Places, free, worker, services.Log), ArenaEstimate.For(run, _device));
        }

        try
        {
            _model.OpenView(header, command, rank, command.Checkpoint is { } place ? services.Places.Resolve(place) : null);
            return new OpenViewReport { Rank = rank };
        }
        catch (CheckpointException e)
        {
            return new OpenViewReport(e.Message) { Rank = rank };
        }
    }
}

/// <summary>What every worker of a host uses.</summary>
/// <param name="Communicators">Opens the data plane.</param>
/// <param name="Files">Where checkpoints are written.</param>
/// <param name="Kinds">What the names in configurations stand for.</param>
/// <param name="Callers">Memory that callers of layers lend.</param>
/// <param name="Places">Where checkpoints are on this machine.</param>
/// <param name="Telemetry">Spans and figures of commands.</param>
/// <param name="Losses">Told of devices that can compute no more.</param>
/// <param name="Log">The host's log.</param>
internal sealed record WorkerServices(
    ICommunicatorProvider Communicators, IFileStore Files, ModelKinds Kinds, CallerBuffers Callers, CheckpointPlaces Places, HostTelemetry Telemetry,
    DeviceLosses Losses, ILogger Log);
