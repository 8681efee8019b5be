using System.Diagnostics;
using MoEActors.Grains.Cluster;
using MoEActors.Grains.Durability;
using MoEActors.Grains.Interfaces.Errors;
using MoEActors.Grains.Interfaces.Training;
using MoEActors.Grains.Telemetry;
using MoEActors.Modules.Gates;
using MoEActors.Placement.Parallelism;
using MoEActors.Placement.Quotas;

namespace MoEActors.Grains.Training;

/// <summary>
/// A step in two phases. Prepare: every member computes and keeps its gradients; nothing has changed yet, so an abort costs nothing. Then
/// the decision is written, and commit makes every member apply them; it travels with the next prepare when that is waiting.
/// </summary>
internal sealed class StepProtocol(
    Members members, CommitProtocol commits, SnapshotKeeper snapshots, CoordinatorTerm term, ParallelismControl parallelism, RunConfiguration run, string model,
    RunEvents events)
{
    /// <summary>Calls that every member host receives per step at most, polls apart: prepare and commit. A commit travels with the next prepare if there is one.</summary>
    public const int CallsPerHost = 2;

    /// <summary>Calls per step besides those: the client's submission.</summary>
    public const int CallsPerStep = 1;

    /// <summary>Outcomes kept for clients that missed them, and for steps that are learnt again to be compared with.</summary>
    private const int RememberedOutcomes = 64;

    /// <summary>Runs a step and decides it, and with it a change of placement whose shards are copied meanwhile.</summary>
    /// <param name="request">The batch.</param>
    /// <param name="change">The change; null for none. It says afterwards whether it was adopted.</param>
    /// <exception cref="NonFiniteLossException">A loss or the gradient is not finite; the step was aborted.</exception>
    /// <exception cref="PassRefusedException">A layer without a backbone has nothing to apply.</exception>
    /// <exception cref="ViewFailedException">A member failed; the step was not applied anywhere.</exception>
    public async Task<StepOutcome> RunAsync(StepRequest request, PendingPlacementChange? change)
    {
        long started = Stopwatch.GetTimestamp();
        long step = request.Step;
        StepShare whole = Whole(request);
        Task<IReadOnlyList<StepReport>> preparing = events.TraceAsync("moe.step.prepare", step, () => members.RunAsync(
            silo => new PrepareCommand(Share(whole, request, silo), change?.Message)));

        // While the members compute: once they have reported they stand idle until the next command.
        ulong digest = BatchDigest.Of(request);
        IReadOnlyList<StepReport> reports = await preparing;
        snapshots.Collect(reports.Select(report => (report.Rank, report.Snapshot)));
        LayerWork.RefuseIfRefused(reports.Select(report => report.Refusal), model);
        LossPart[] losses = [.. reports.SelectMany(report => report.Losses).OrderBy(loss => loss.Index)];
        if (!double.IsFinite(reports[0].GradientNorm) || !losses.All(NonFiniteCause.IsFinite))
        {
            await RefuseAsync(whole, request, losses, reports);
        }

        // A change of placement that went wrong is left out.
        change?.Conclude([.. reports.Select(report => report.Arrivals)]);
        TimeSpan prepared = Stopwatch.GetElapsedTime(started);
        PendingPlacementChange? adopted = change is { Failure: null } ? change : null;
        double crossEntropy = losses.Sum(loss => loss.CrossEntropySum) / Math.Max(1, whole.Targets);
        double auxiliary = LossPart.MeanAuxiliary(losses);
        var outcome = new StepOutcome
        {
            Step = step,
            Loss = crossEntropy + auxiliary,
            CrossEntropy = crossEntropy,
            Auxiliary = auxiliary,
            GradientNorm = reports[0].GradientNorm,
            LearningRate = run.Optimizer.LearningRateAt(step),
            Tokens = whole.Targets,
            Seconds = Stopwatch.GetElapsedTime(started).TotalSeconds,
            KeptTokens = Sum(reports.Select(report => report.KeptTokens)),
            ChosenTokens = Sum(reports.Select(report => report.ChosenTokens)),
            ExecutorAllocatedBytes = reports.Sum(report => report.AllocatedBytes),
            AuxiliaryLosses = NamedLoss.Of(reports.SelectMany(report => report.AuxiliaryLosses), LossPart.Counted(losses)),
            RouterEntropy = Entropies(reports),
            BatchDigest = digest,
            Timings = [.. reports.Select(report => report.Timing!)],
            ShardsMoved = adopted?.Moves ?? 0,
            TransientCopies = Copies(reports),
            View = members.View,
        };

        // The decision: from here on the step is committed, whoever has to tell the members.
        StepOutcome[] last = [.. term.Record.LastOutcomes.TakeLast(RememberedOutcomes - 1), outcome];
        RunRecord before = term.Record;
        RunRecord decided = snapshots.With(before with { Step = step, LastOutcomes = last });
        await events.TraceAsync(
            "moe.step.decide", step, () => term.WriteAsync(adopted is null ? decided : decided with { View = adopted.After.Version, Map = adopted.After }));
        events.StepCommitted(outcome);
        parallelism.Learn(outcome);
        if (change is not null)
        {
            events.TracePlacementChange(step, prepared, change.Failure);
            events.PlacementChanged(step, change.Moves, change.CopySeconds, change.Failure);
        }

        await events.TraceAsync("moe.step.commit", step, () => commits.TellAsync(step, adopted));
        snapshots.Committed(step);
        snapshots.Trim(before);
        return outcome;
    }

    /// <summary>Runs a step again that was decided long ago, on members that have gone back to before it. Nothing is decided.</summary>
    /// <exception cref="ViewFailedException">A member failed, or the logged batch is not the one that was learnt.</exception>
    public async Task RepeatAsync(StepRequest request)
    {
        StepShare whole = Whole(request);
        IReadOnlyList<StepReport> reports = await members.RunAsync(silo => new PrepareCommand(Share(whole, request, silo)));
        if (term.Record.LastOutcomes.FirstOrDefault(outcome => outcome.Step == request.Step) is { } known)
        {
            if (known.BatchDigest != BatchDigest.Of(request))
            {
                throw new ViewFailedException(
                    $"The batch that is logged for step {request.Step} of model '{model}' is not the one that was learnt: the run cannot be brought back. Restore the last checkpoint under another name.");
            }

            if (known.GradientNorm != reports[0].GradientNorm)
            {
                events.StepDiverged(request.Step, known.GradientNorm, reports[0].GradientNorm);
            }
        }

        members.Post(new CommitCommand(request.Step));
    }

    private async Task RefuseAsync(StepShare whole, StepRequest request, LossPart[] losses, IReadOnlyList<StepReport> reports)
    {
        await members.SendAsync(new AbortCommand(request.Step));
        IReadOnlyList<LocateReport> search = await members.RunAsync(silo => new LocateCommand(Share(whole, request, silo)));
        throw new NonFiniteCause(
            request.Step, losses, reports[0].GradientNorm, reports.SelectMany(report => report.Routers),
            [.. search.SelectMany(report => report.Found)]).ToException();
    }

    private StepShare Whole(StepRequest request)
    {
        (ParallelismChoice[] layers, CopyCoefficients? copies) = parallelism.Next(request.Batches.Sum(batch => (long)batch.TokenCount));
        return StepShare.Of(request.Step, request.Batches, request.Forward) with { Parallelism = layers, Copies = copies };
    }

    private StepShare Share(StepShare whole, StepRequest request, string silo) => whole with { Batches = members.OfSilo(request.Batches, silo) };

    private double[] Entropies(IReadOnlyList<StepReport> reports)
    {
        ILookup<int, RouterPart> layers = reports.SelectMany(report => report.Routers).ToLookup(part => part.Layer);
        return [.. Enumerable.Range(0, run.Model.Layers).Select(layer => RouterPart.MeanEntropy(layers[layer]))];
    }

    private static int[] Copies(IReadOnlyList<StepReport> reports)
    {
        int[] copies = reports.Select(report => report.Copies).Aggregate((left, right) => [.. left.Zip(right, (a, b) => a + b)]);
        return copies.Any(count => count > 0) ? copies : [];
    }

    private static long[][] Sum(IEnumerable<long[][]> parts) =>
        parts.Aggregate((left, right) => [.. left.Zip(right, (a, b) => a.Zip(b, (x, y) => x + y).ToArray())]);
}
