using Microsoft.Extensions.Logging;
using MoEActors.Modules.Gates;

namespace MoEActors.Grains.Telemetry;

/// <summary>What the coordinator of a run logs. Event ids from 100 on; they are append-only.</summary>
internal static partial class RunLog
{
    [LoggerMessage(100, LogLevel.Information, "Model {Model}, term {Term}: created with {Experts} experts in {Layers} layers.")]
    public static partial void ModelCreated(ILogger log, string model, long term, int experts, int layers);

    [LoggerMessage(101, LogLevel.Information, "Model {Model}, term {Term}: restored at step {Step} from {Folder}.")]
    public static partial void ModelRestored(ILogger log, string model, long term, long step, string folder);

    [LoggerMessage(102, LogLevel.Information, "Model {Model}: term {Term} has been taken at step {Step}, view {View}.")]
    public static partial void TermTaken(ILogger log, string model, long term, long step, long view);

    [LoggerMessage(103, LogLevel.Warning, "Model {Model}: another coordinator has taken over from term {Term}; this one ends. Steps that are logged run there.")]
    public static partial void TermLost(ILogger log, string model, long term);

    [LoggerMessage(
        104, LogLevel.Information, "Model {Model}, term {Term}: view {View} is open at step {Step}: {Workers} workers on {Silos} silos, in {Seconds:F3} s.")]
    public static partial void ViewOpened(ILogger log, string model, long term, long view, long step, int workers, int silos, double seconds);

    [LoggerMessage(105, LogLevel.Information, "Model {Model}, term {Term}: view {View} goes on at step {Step} under this coordinator.")]
    public static partial void ViewResumed(ILogger log, string model, long term, long view, long step);

    [LoggerMessage(106, LogLevel.Warning, "Model {Model}, term {Term}: view {View} has ended at step {Step}: {Cause}")]
    public static partial void ViewEnded(ILogger log, string model, long term, long view, long step, string cause);

    [LoggerMessage(107, LogLevel.Warning, "Model {Model}, term {Term}, view {View}: silo {Silo} does not answer ({Cause}).")]
    public static partial void MemberUnreachable(ILogger log, string model, long term, long view, string silo, string cause);

    [LoggerMessage(
        108, LogLevel.Debug, "Model {Model}, term {Term}, view {View}: step {Step} is committed: loss {Loss:F4}, {Tokens} tokens in {Seconds:F4} s.")]
    public static partial void StepCommitted(ILogger log, string model, long term, long view, long step, double loss, long tokens, double seconds);

    [LoggerMessage(109, LogLevel.Warning, "Model {Model}, term {Term}, view {View}: step {Step} was aborted, nothing of it was applied: {Cause}")]
    public static partial void StepAborted(ILogger log, string model, long term, long view, long step, string cause);

    // The cause says where it is not finite, and what to do: leave out the batch, lower the learning rate, or restore a checkpoint.
    [LoggerMessage(110, LogLevel.Error, "Model {Model}, term {Term}, view {View}: step {Step} was not applied. {Cause}")]
    public static partial void StepNotFinite(ILogger log, string model, long term, long view, long step, string cause);

    [LoggerMessage(
        111, LogLevel.Error,
        "Model {Model}, term {Term}, view {View}: step {Step} is committed, but a member is at step {Found} without its gradients. Restore the last checkpoint under another name.")]
    public static partial void StepLost(ILogger log, string model, long term, long view, long step, long found);

    [LoggerMessage(
        112, LogLevel.Warning, "Model {Model}, term {Term}, view {View}: step {Step} is decided, but not all members could be told; who works next tells them. {Cause}")]
    public static partial void CommitMissed(ILogger log, string model, long term, long view, long step, string cause);

    [LoggerMessage(
        113, LogLevel.Information,
        "Model {Model}, term {Term}: a change of placement is committed with step {Step} and makes view {View}: {Shards} shards moved in {Seconds:F4} s.")]
    public static partial void PlacementChanged(ILogger log, string model, long term, long step, long view, int shards, double seconds);

    [LoggerMessage(
        114, LogLevel.Warning, "Model {Model}, term {Term}, view {View}: a change of placement was abandoned at step {Step}: {Cause} The placement is as before.")]
    public static partial void PlacementChangeAbandoned(ILogger log, string model, long term, long view, long step, string cause);

    [LoggerMessage(115, LogLevel.Debug, "Model {Model}, term {Term}, view {View}: expert grains have not followed their shards; they come when they are called. {Cause}")]
    public static partial void GrainsLate(ILogger log, string model, long term, long view, string cause);

    [LoggerMessage(116, LogLevel.Information, "Model {Model}, term {Term}, view {View}: the gate of layer {Layer} routes by {Options} from step {Step} on.")]
    public static partial void GateChanged(ILogger log, string model, long term, long view, int layer, GateOptions options, long step);

    [LoggerMessage(130, LogLevel.Information, "Model {Model}, term {Term}, view {View}: {Layers} run by {Parallelism} parallelism from step {Step} on.")]
    public static partial void ParallelismChanged(ILogger log, string model, long term, long view, string layers, string parallelism, long step);

    [LoggerMessage(117, LogLevel.Information, "Model {Model}, term {Term}, at step {Step}: the director's settings are now {Settings}, revision {Revision}.")]
    public static partial void DirectorChanged(ILogger log, string model, long term, long step, string settings, long revision);

    [LoggerMessage(
        118, LogLevel.Information,
        "Model {Model}, term {Term}, view {View}: measured for the director: {Seconds:G3} s for {Rows} rows of an expert, {Bandwidth:G3} bytes/s between workers.")]
    public static partial void Calibrated(ILogger log, string model, long term, long view, double seconds, long rows, double bandwidth);

    [LoggerMessage(119, LogLevel.Information, "Model {Model}, term {Term}, view {View}: checkpoint of step {Step} written to {Folder}: {Bytes} bytes in {Seconds:F3} s.")]
    public static partial void CheckpointWritten(ILogger log, string model, long term, long view, long step, string folder, long bytes, double seconds);

    [LoggerMessage(
        120, LogLevel.Error, "Model {Model}, term {Term}, view {View}: {Cause} Make room or choose another folder, then save again; training goes on without it.")]
    public static partial void CheckpointFailed(ILogger log, string model, long term, long view, string cause);

    [LoggerMessage(
        121, LogLevel.Warning,
        "Model {Model}, term {Term}: the checkpoint in {Folder} has no checksums, as earlier versions wrote none: damage in it would not be noticed. Save it anew to add them.")]
    public static partial void CheckpointWithoutChecksums(ILogger log, string model, long term, string folder);

    [LoggerMessage(123, LogLevel.Debug, "Model {Model}, term {Term}, view {View}: the snapshot of step {Step} is complete: {Bytes} bytes, {Seconds:F3} s after it was begun.")]
    public static partial void SnapshotSealed(ILogger log, string model, long term, long view, long step, long bytes, double seconds);

    [LoggerMessage(124, LogLevel.Warning, "Model {Model}, term {Term}, view {View}: there is no snapshot of step {Step}: {Cause} Training goes on; the one before stays.")]
    public static partial void SnapshotFailed(ILogger log, string model, long term, long view, long step, string cause);

    [LoggerMessage(
        125, LogLevel.Warning,
        "Model {Model}, term {Term}, view {View}: a silo was lost at step {Lost}; all members went back to the snapshot of step {From} {Where} and are at step {Step} again, in {Seconds:F3} s.")]
    public static partial void Recovered(ILogger log, string model, long term, long view, long step, long from, long lost, string where, double seconds);

    [LoggerMessage(
        126, LogLevel.Error,
        "Model {Model}, term {Term}, view {View}: step {Step} has been learnt again with another result (the gradient's norm was {Known} and is {Found}): processors that compute differently, or experts or gates of your own that do.")]
    public static partial void StepDiverged(ILogger log, string model, long term, long view, long step, double known, double found);

    [LoggerMessage(127, LogLevel.Warning, "Model {Model}, term {Term}, view {View}: silo {Silo} is left out for now: {Reason}")]
    public static partial void SiloPassedOver(ILogger log, string model, long term, long view, string silo, string reason);

    [LoggerMessage(
        128, LogLevel.Error,
        "Model {Model}, term {Term}, view {View}: the store has step {Step} as the last one, and members have committed step {Found}: it has forgotten what it had acknowledged. The run goes on from its members; a snapshot is taken at once. Find out why the store forgets.")]
    public static partial void StoreBehind(ILogger log, string model, long term, long view, long step, long found);

    [LoggerMessage(
        129, LogLevel.Warning,
        "Model {Model}, term {Term}, view {View}: batches up to step {Step}, which nobody needs any more, cannot be deleted now: {Cause} They are with the next ones.")]
    public static partial void TrimFailed(ILogger log, string model, long term, long view, long step, string cause);

    [LoggerMessage(131, LogLevel.Information, "Model {Model}, term {Term}, view {View}, at step {Step}: silo {Silo} is drained: {Drained}. Views form without those that are.")]
    public static partial void SiloDrained(ILogger log, string model, long term, long view, long step, string silo, bool drained);

    [LoggerMessage(132, LogLevel.Information, "Model {Model}, term {Term}: stopped at step {Step}, with a snapshot; it goes on when somebody opens it.")]
    public static partial void RunStopped(ILogger log, string model, long term, long step);

    [LoggerMessage(133, LogLevel.Information, "Model {Model}, term {Term}, view {View}: the run that was stopped goes on at step {Step}.")]
    public static partial void RunContinued(ILogger log, string model, long term, long view, long step);

    [LoggerMessage(134, LogLevel.Warning, "Model {Model}, term {Term}: silos have come or gone, and the model cannot come back at step {Step} now: {Cause} It is tried again.")]
    public static partial void NotWoken(ILogger log, string model, long term, long step, string cause);

    [LoggerMessage(122, LogLevel.Information, "Model {Model}, term {Term}: deleted at step {Step}; its name is free.")]
    public static partial void ModelDeleted(ILogger log, string model, long term, long step);
}
