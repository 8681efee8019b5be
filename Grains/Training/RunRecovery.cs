using System.Diagnostics;
using MoEActors.Grains.Cluster;
using MoEActors.Grains.Durability;
using MoEActors.Grains.Interfaces.Errors;
using MoEActors.Grains.Interfaces.Training;
using MoEActors.Grains.Telemetry;
using MoEActors.Modules.Gates;

namespace MoEActors.Grains.Training;

/// <summary>
/// Computes again what was lost with a silo: all members start from the last snapshot - from the copies in their memory, or where those are lost as well from its
/// place - and the logged batches up to the last decided step are learnt
/// again, with the routing policies of then. The results are those that were acknowledged, bit for bit, wherever experts are now. What it is about to do
/// is written down before the first member falls back, so that any coordinator can do it again from the beginning.
/// </summary>
internal sealed class RunRecovery(
    Members members, StepProtocol steps, CommitProtocol commits, SnapshotKeeper snapshots, MemoryAdmission memory, CoordinatorTerm term, IRunStore store,
    RunConfiguration run, string model, RunEvents events)
{
    /// <summary>Whether members may be at any step: a recovery has begun and not ended.</summary>
    public bool IsDue => term.Record.Recovery is not null;

    /// <summary>What to start from, and how far to go.</summary>
    /// <exception cref="ViewFailedException">What was lost cannot be computed again.</exception>
    public RecoveryMark Plan()
    {
        SnapshotMark from = snapshots.Newest;
        long target = term.Record.Recovery?.Target ?? term.Record.Step;
        return run.Model.Backbone == Backbone.None ? new RecoveryMark(from, from.Step)
            : from.Step >= term.Record.LoggedFrom ? new RecoveryMark(from, target)
            : throw new ViewFailedException(
                $"Experts of model '{model}' were lost with a silo at step {target}, and there is no snapshot that the logged batches reach: they cannot be computed again. Restore the last checkpoint under another name.");
    }

    /// <summary>Opens a view in which every worker starts from the snapshot, and learns again what came after it.</summary>
    /// <param name="recovery">What to do.</param>
    /// <param name="wish">The placement of the new view.</param>
    /// <param name="copies">Who has what of the snapshot in memory; null where not all of it is, so that it is read from its place.</param>
    /// <param name="open">Opens the view with a command, and confirms that all members are at a step.</param>
    public async Task RunAsync(RecoveryMark recovery, PlacementMap wish, CopySources? copies, Func<OpenViewCommand, Task> open)
    {
        long started = Stopwatch.GetTimestamp();
        long lost = term.Record.Step;
        SnapshotMark from = recovery.From;
        await memory.RequireAsync(wish, before: null);
        await term.WriteAsync(term.Record with { View = wish.Version, Map = wish, Recovery = recovery });
        GatePolicy[] gates = GatePolicies.At(term.Record, from.Step);
        try
        {
            await open(new OpenViewCommand(term.Record.Configuration, wish, from.Step, from.Place, gates, term.Record.InferenceOnly, Anew: true, Copies: copies));
        }
        catch (CheckpointFailedException e) when (term.Record.Snapshots.Contains(from))
        {
            // The one before it is older by an interval: more is learnt again, and nothing is lost.
            events.SnapshotFailed(from.Step, e.Message);
            await term.WriteAsync(term.Record with { Snapshots = [.. term.Record.Snapshots.Where(mark => mark != from)] });
            throw new ViewFailedException(e.Message) { IsUnreachable = true };
        }

        for (long step = from.Step + 1; step <= recovery.Target; step++)
        {
            GatePolicy[] then = GatePolicies.At(term.Record, step);
            if (!then.SequenceEqual(gates))
            {
                gates = then;
                await members.RunAsync(new ConfigureGatesCommand(gates));
            }

            StepRequest batch = await StoreOutage.RideOutAsync(() => store.ReadBatchAsync(model, step))
                ?? throw new ViewFailedException($"The batch of step {step} of model '{model}' is not in the log: the run cannot be brought back. Restore the last checkpoint under another name.");
            await memory.RequireStepAsync(batch.Batches);
            await steps.RepeatAsync(batch);
        }

        await commits.FlushAsync();
        if (members.Map is null)
        {
            throw new ViewFailedException($"A member of model '{model}' was lost while steps up to {recovery.Target} were learnt again.") { IsUnreachable = true };
        }

        StepOutcome[] outcomes = [.. term.Record.LastOutcomes.Where(outcome => outcome.Step <= recovery.Target)];
        await term.WriteAsync(term.Record with { Step = recovery.Target, LastOutcomes = outcomes, Recovery = null });
        if (!gates.SequenceEqual(term.Record.Gates))
        {
            await members.RunAsync(new ConfigureGatesCommand(term.Record.Gates));
        }

        if (!term.Record.IsStopped)
        {
            events.Recovered(from.Step, lost, fromMemory: copies is not null, Stopwatch.GetElapsedTime(started));
        }
    }
}
