using System.Diagnostics;
using System.Globalization;
using Microsoft.Extensions.Logging;
using MoEActors.Grains.Durability;
using MoEActors.Grains.Interfaces.Director;
using MoEActors.Grains.Interfaces.Errors;
using MoEActors.Grains.Interfaces.Telemetry;
using MoEActors.Grains.Interfaces.Training;
using MoEActors.Modules.Gates;
using MoEActors.Placement.Costs;
using MoEActors.Placement.Parallelism;

namespace MoEActors.Grains.Telemetry;

/// <summary>
/// What happens to a run in one term, told by the parts of its coordinator to the log, the meter and the activity source <c>MoEActors</c>, and kept for those who watch. Each message
/// names model, term, view and step; when nobody listens nothing is made.
/// </summary>
internal sealed class RunEvents(ILogger log, string model, Func<RunRecord> record, RunFeed feed)
{
    /// <summary>Spans of the control plane. Those of workers are parts of them.</summary>
    public static readonly ActivitySource Activities = new("MoEActors");

    private long Term => record().Term;

    private long View => record().View;

    private long Step => record().Step;

    /// <summary>Does work in a span.</summary>
    /// <param name="name">The span's name.</param>
    /// <param name="step">The step that it is about.</param>
    /// <param name="work">The work; its exception is noted and goes on.</param>
    /// <param name="view">The view that it is about, where that is not the one that is written down.</param>
    public Task<T> TraceAsync<T>(string name, long step, Func<Task<T>> work, long? view = null) =>
        TraceAsync(() => Tagged(Activities.StartActivity(name), step, view), work);

    /// <summary>
    /// Does a step in a trace of its own: whoever asked for it may ask for thousands, and what this silo began when may be whatever was current then. The caller's span is linked.
    /// </summary>
    /// <param name="step">The step.</param>
    /// <param name="work">The work; its exception is noted and goes on.</param>
    public Task<T> TraceStepAsync<T>(long step, Func<Task<T>> work)
    {
        return TraceAsync(Begin, work);

        Activity? Begin()
        {
            ActivityLink[] caller = Activity.Current is { } current ? [new ActivityLink(current.Context)] : [];
            Activity.Current = null;
            return Tagged(Activities.StartActivity("moe.step", ActivityKind.Internal, parentContext: default, tags: null, caller), step, view: null);
        }
    }

    /// <summary>What is current for the caller stays so: a span that is begun in an asynchronous method is current there alone.</summary>
    private static async Task<T> TraceAsync<T>(Func<Activity?> begin, Func<Task<T>> work)
    {
        using Activity? activity = begin();
        try
        {
            return await work();
        }
        catch (Exception e)
        {
            activity?.SetStatus(ActivityStatusCode.Error, e.Message);
            throw;
        }
    }

    /// <inheritdoc cref="TraceAsync{T}(string, long, Func{Task{T}}, long?)" />
    public Task TraceAsync(string name, long step, Func<Task> work, long? view = null) => TraceAsync(
        name, step,
        async () =>
        {
            await work();
            return true;
        },
        view);

    public void StepCommitted(StepOutcome outcome)
    {
        feed.Add(outcome);
        RunMeter.Committed(model, outcome);
        RunLog.StepCommitted(log, model, Term, View, outcome.Step, outcome.Loss, outcome.Tokens, outcome.Seconds);
    }

    public void StepAborted(long step, Exception cause)
    {
        if (cause is StaleCommandException or RunStoppedException)
        {
            // Not abandoned: another coordinator is in charge, it is not yet its turn, or somebody wanted no more steps.
            return;
        }

        RunMeter.Aborted(model, cause switch
        {
            NonFiniteLossException => "nonfinite",
            ViewFailedException => "member",
            MemoryRefusedException => "memory",
            PassRefusedException => "pass",
            _ => "other",
        });
        Note(FeedNoteKind.Failure, $"Step {step} was not applied: {cause.Message}");
        if (cause is NonFiniteLossException)
        {
            RunLog.StepNotFinite(log, model, Term, View, step, cause.Message);
        }
        else
        {
            RunLog.StepAborted(log, model, Term, View, step, cause.Message);
        }
    }

    public void StepLost(long step, long found)
    {
        Note(FeedNoteKind.Failure, $"Step {step} is committed, and a member is at step {found} without its gradients.");
        RunLog.StepLost(log, model, Term, View, step, found);
    }

    public void CommitMissed(long step, Exception cause) => RunLog.CommitMissed(log, model, Term, View, step, cause.Message);

    public void ViewOpened(PlacementMap map, TimeSpan elapsed)
    {
        RunMeter.ViewOpened(model);
        int silos = map.Workers.Select(worker => worker.Silo).Distinct().Count();
        Note(FeedNoteKind.View, string.Create(
            CultureInfo.InvariantCulture, $"View {View} is open: {map.Workers.Length} workers on {silos} silos, in {elapsed.TotalSeconds:0.00} s."));
        RunLog.ViewOpened(log, model, Term, View, Step, map.Workers.Length, silos, elapsed.TotalSeconds);
    }

    public void ModelDeleted()
    {
        Note(FeedNoteKind.Settings, "The model is deleted.");
        RunLog.ModelDeleted(log, model, Term, Step);
    }

    public void RunStopped()
    {
        Note(FeedNoteKind.Settings, "The run is stopped; a snapshot has all of it.");
        RunLog.RunStopped(log, model, Term, Step);
    }

    public void RunContinued()
    {
        Note(FeedNoteKind.Settings, "The run that was stopped goes on.");
        RunLog.RunContinued(log, model, Term, View, Step);
    }

    public void NotWoken(Exception cause)
    {
        Note(FeedNoteKind.Failure, $"The model cannot come back now: {cause.Message}");
        RunLog.NotWoken(log, model, Term, Step, cause.Message);
    }

    public void ViewResumed()
    {
        Note(FeedNoteKind.View, $"View {View} goes on under another coordinator.");
        RunLog.ViewResumed(log, model, Term, View, Step);
    }

    public void ViewEnded(Exception cause)
    {
        RunMeter.ViewEnded(model);
        Note(FeedNoteKind.Failure, $"View {View} has ended: {cause.Message}");
        RunLog.ViewEnded(log, model, Term, View, Step, cause.Message);
    }

    public void MemberUnreachable(string silo, Exception cause)
    {
        Note(FeedNoteKind.Failure, $"Silo {silo} does not answer.");
        RunLog.MemberUnreachable(log, model, Term, View, silo, cause.GetType().Name);
    }

    /// <summary>A change of placement has been decided.</summary>
    /// <param name="step">The step that it goes with.</param>
    /// <param name="shards">Shards that arrive somewhere.</param>
    /// <param name="seconds">Seconds that its copies took.</param>
    /// <param name="failure">Why it was abandoned; null when it is committed.</param>
    public void PlacementChanged(long step, int shards, double seconds, string? failure)
    {
        RunMeter.PlacementChanged(model, shards, failure is null);
        if (failure is null)
        {
            Note(FeedNoteKind.Placement, string.Create(CultureInfo.InvariantCulture, $"{shards} {(shards == 1 ? "shard" : "shards")} moved at step {step}, copied in {seconds * 1000:0} ms."));
            RunLog.PlacementChanged(log, model, Term, step, View, shards, seconds);
        }
        else
        {
            Note(FeedNoteKind.Failure, $"A change of placement was abandoned: {failure}");
            RunLog.PlacementChangeAbandoned(log, model, Term, View, step, failure);
        }
    }

    /// <summary>Adds the span of a change of placement whose shards were copied beside a step.</summary>
    public void TracePlacementChange(long step, TimeSpan elapsed, string? failure)
    {
        if (Activities.HasListeners())
        {
            using Activity? activity = Tagged(
                Activities.StartActivity("moe.placement.change", ActivityKind.Internal, parentContext: default, startTime: DateTimeOffset.UtcNow - elapsed), step);
            if (failure is not null)
            {
                activity?.SetStatus(ActivityStatusCode.Error, failure);
            }
        }
    }

    public void GrainsLate(Exception cause) => RunLog.GrainsLate(log, model, Term, View, cause.Message);

    public void GateChanged(GatePolicy policy)
    {
        Note(FeedNoteKind.Settings, $"The gate of layer {policy.Layer} has another policy from step {policy.FromStep} on.");
        RunLog.GateChanged(log, model, Term, View, policy.Layer, policy.Options, policy.FromStep);
    }

    public void ParallelismChanged(int? layer, ParallelismChoice? parallelism)
    {
        string layers = layer is { } one ? $"layer {one}" : "all layers";
        Note(FeedNoteKind.Settings, $"{What(parallelism)} in {layers} from step {Step + 1} on.");
        RunLog.ParallelismChanged(log, model, Term, View, layers, parallelism?.ToString() ?? "tuned", Step + 1);
    }

    private static string What(ParallelismChoice? parallelism) => parallelism switch
    {
        null => "What travels is chosen by what steps take",
        { Slices: > 1 } sliced => $"Rows travel to {sliced.Slices} slices of each expert",
        { Travels: LayerParallelism.Data } => "Experts travel to the rows",
        { Travels: LayerParallelism.TransientCopies } => "Rows travel to the experts, and copies of busy experts where that is faster,",
        _ => "Rows travel to the experts",
    };

    public void DirectorChanged(DirectorSettings? settings)
    {
        Note(FeedNoteKind.Settings, settings is null ? "The director is off." : settings.Paused ? "The director is paused." : $"The director plans by the policy {settings.Policy}.");
        RunLog.DirectorChanged(log, model, Term, Step, settings?.ToString() ?? "off", record().DirectorRevision);
    }

    public void SiloDrained(string silo, bool drained)
    {
        Note(FeedNoteKind.Settings, drained ? $"Silo {silo} is drained: views form without it." : $"Silo {silo} is not drained any more.");
        RunLog.SiloDrained(log, model, Term, View, Step, silo, drained);
    }

    public void Calibrated(ClusterCalibration found) =>
        RunLog.Calibrated(log, model, Term, View, found.Seconds[^1], found.Rows[^1], found.Bandwidth);

    public void CheckpointWritten(SaveOutcome saved, TimeSpan elapsed)
    {
        RunMeter.Saved(model, elapsed.TotalSeconds, saved.Bytes);
        Note(FeedNoteKind.Checkpoint, string.Create(
            CultureInfo.InvariantCulture, $"Checkpoint of step {Step} written to {saved.Folder}: {saved.Bytes >> 20} MiB in {elapsed.TotalSeconds:0.00} s."));
        RunLog.CheckpointWritten(log, model, Term, View, Step, saved.Folder, saved.Bytes, elapsed.TotalSeconds);
    }

    public void CheckpointFailed(Exception cause, TimeSpan elapsed)
    {
        RunMeter.Saved(model, elapsed.TotalSeconds, bytes: null);
        Note(FeedNoteKind.Failure, $"No checkpoint was written: {cause.Message}");
        RunLog.CheckpointFailed(log, model, Term, View, cause.Message);
    }

    public void SnapshotSealed(long step, long bytes, TimeSpan elapsed) =>
        RunLog.SnapshotSealed(log, model, Term, View, step, bytes, elapsed.TotalSeconds);

    public void SnapshotFailed(long step, string cause)
    {
        Note(FeedNoteKind.Failure, $"There is no snapshot of step {step}: {cause.TrimEnd('.')}.");
        RunLog.SnapshotFailed(log, model, Term, View, step, $"{cause.TrimEnd('.')}.");
    }

    /// <summary>Batches up to a step that nobody needs any more are still in the store.</summary>
    public void TrimFailed(long step, Exception cause) => RunLog.TrimFailed(log, model, Term, View, step, cause.Message);

    /// <summary>What was lost with a silo has been computed again.</summary>
    /// <param name="from">The step that all members started from.</param>
    /// <param name="lost">The last step that was decided before.</param>
    /// <param name="fromMemory">Whether that was read from the memory of members, not from the snapshot's place.</param>
    /// <param name="elapsed">How long it took.</param>
    public void Recovered(long from, long lost, bool fromMemory, TimeSpan elapsed)
    {
        RunMeter.Recovered(model, elapsed.TotalSeconds, Step - from);
        Note(FeedNoteKind.Recovery, string.Create(
            CultureInfo.InvariantCulture, $"A silo was lost at step {lost}; all went back to the snapshot of step {from} and are at step {Step} again, in {elapsed.TotalSeconds:0.00} s."));
        RunLog.Recovered(log, model, Term, View, Step, from, lost, fromMemory ? "in memory" : "in its place", elapsed.TotalSeconds);
    }

    public void StepDiverged(long step, double known, double found)
    {
        Note(FeedNoteKind.Failure, $"Step {step} was learnt again with another result.");
        RunLog.StepDiverged(log, model, Term, View, step, known, found);
    }

    public void StoreBehind(long step, long found)
    {
        Note(FeedNoteKind.Failure, $"The store has forgotten steps from {step} to {found} that it had acknowledged.");
        RunLog.StoreBehind(log, model, Term, View, step, found);
    }

    public void SiloPassedOver(string silo, string reason)
    {
        Note(FeedNoteKind.Failure, $"Silo {silo} is left out for now: {reason}");
        RunLog.SiloPassedOver(log, model, Term, View, silo, reason);
    }

    private void Note(FeedNoteKind kind, string text) => feed.Add(kind, Step, text);

    private Activity? Tagged(Activity? activity, long step, long? view = null) =>
        activity?.SetTag("model", model).SetTag("term", Term).SetTag("view", view ?? View).SetTag("step", step);
}
