using System.Diagnostics;
using Microsoft.Extensions.Logging;
using MoEActors.Workers.Commands;
using MoEActors.Workers.Training;

namespace MoEActors.Workers.Host;

/// <summary>What a worker host logs. Event ids from 300 on; they are append-only.</summary>
internal static partial class WorkerHostLog
{
    /// <summary>A worker has carried out a command of its view.</summary>
    public static void Done(ILogger log, CommandHeader header, Command command, WorkerId worker, WorkerModel model, long started)
    {
        if (command is OpenViewCommand open && model.View is { } view)
        {
            ViewJoined(
                log, worker, header.View, header.Model, header.Term, view.Rank, open.Map.Workers.Length, open.Version, model.Parameters.Shards.Count,
                model.Device.AllocatedBytes);
        }
        else if (command is CommitCommand { Adopt: > 0 } commit)
        {
            ViewAdopted(log, worker, commit.Adopt, header.Model, header.Term, commit.Step, model.Parameters.Shards.Count);
        }

        if (log.IsEnabled(LogLevel.Debug))
        {
            CommandDone(
                log, worker, HostTelemetry.NameOf(command), header.Number, header.Model, header.Term, header.View,
                Stopwatch.GetElapsedTime(started).TotalSeconds);
        }
    }

    /// <summary>A worker has failed at a command, by its own fault or because a peer did.</summary>
    public static void Failed(ILogger log, CommandHeader header, Command command, WorkerId worker, Exception cause)
    {
        string name = HostTelemetry.NameOf(command);
        if (cause is CommunicatorException)
        {
            PeerFailed(log, worker, name, header.Number, header.Model, header.Term, header.View, cause.Message);
        }
        else
        {
            WorkerFailed(log, cause, worker, name, header.Number, header.Model, header.Term, header.View);
        }
    }

    [LoggerMessage(300, LogLevel.Information, "Silo {Silo} follows term {Term} of model {Model}.")]
    public static partial void TermEntered(ILogger log, string silo, long term, string model);

    [LoggerMessage(
        301, LogLevel.Information,
        "Worker {Worker} has joined view {View} of model {Model}, term {Term}, as rank {Rank} of {Workers} at step {Step}: {Shards} shards, {Bytes} bytes on its device.")]
    private static partial void ViewJoined(
        ILogger log, WorkerId worker, long view, string model, long term, int rank, int workers, long step, int shards, long bytes);

    [LoggerMessage(302, LogLevel.Information, "Worker {Worker} has gone over to view {View} of model {Model}, term {Term}, after step {Step}: {Shards} shards.")]
    private static partial void ViewAdopted(ILogger log, WorkerId worker, long view, string model, long term, long step, int shards);

    [LoggerMessage(303, LogLevel.Information, "Worker {Worker} leaves view {View} of model {Model}, term {Term}: {Reason}")]
    public static partial void ViewEnded(ILogger log, WorkerId worker, long view, string model, long term, string reason);

    [LoggerMessage(304, LogLevel.Warning, "Command {Command} {Number} of model {Model}, term {Term}, view {View}, was refused: {Reason}")]
    public static partial void CommandRefused(ILogger log, string command, long number, string model, long term, long view, string reason);

    [LoggerMessage(
        305, LogLevel.Warning,
        "Worker {Worker} failed at command {Command} {Number} of model {Model}, term {Term}, view {View}; its peers are told, and the view ends.")]
    private static partial void WorkerFailed(
        ILogger log, Exception cause, WorkerId worker, string command, long number, string model, long term, long view);

    [LoggerMessage(
        306, LogLevel.Information,
        "Worker {Worker} has abandoned command {Command} {Number} of model {Model}, term {Term}, view {View}, because a peer failed: {Reason}")]
    private static partial void PeerFailed(
        ILogger log, WorkerId worker, string command, long number, string model, long term, long view, string reason);

    [LoggerMessage(
        307, LogLevel.Debug, "Worker {Worker} has done command {Command} {Number} of model {Model}, term {Term}, view {View}, in {Seconds:F4} s.")]
    private static partial void CommandDone(
        ILogger log, WorkerId worker, string command, long number, string model, long term, long view, double seconds);

    [LoggerMessage(308, LogLevel.Information, "Silo {Silo} has freed what it held of model {Model}, which was deleted in term {Term}.")]
    public static partial void ModelForgotten(ILogger log, string silo, string model, long term);

    [LoggerMessage(309, LogLevel.Critical, "The device of worker {Worker} is lost to this process, as work for model {Model} has found, and with it all that the worker held: {Reason}")]
    public static partial void DeviceLost(ILogger log, WorkerId worker, string model, string reason);
}
