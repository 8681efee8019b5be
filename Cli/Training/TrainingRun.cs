using System.Globalization;
using MoEActors.Cli.Progress;
using MoEActors.Cli.Runs;
using MoEActors.Client;
using MoEActors.Client.History;
using MoEActors.Grains.Interfaces.Errors;
using MoEActors.Grains.Interfaces.Training;

namespace MoEActors.Cli.Training;

/// <summary>The steps of a job on a model that is there: training with checkpoints, and what is said of the model at the end.</summary>
internal sealed class TrainingRun(
    TrainingJob job, RunFile record, MoEModel model, TrainingMeter meter, StatusKeeper keeper, Validation validation, IRunLogger history, long goal)
{
    private const int SampleTokens = 240;
    private const float SampleTemperature = 0.7f;

    private readonly StepBatches _batches = job.Text.Batches(job.Seed, model.Run.Model.MaximumSequence, record.TurnsAfter);

    private readonly LoadSum _loads = new();

    private readonly DirectorNews _director = new(model, meter, history);

    private readonly SampleWriter _samples = new(model, job, meter);

    private readonly CheckpointKeeper _checkpoints = new(job, record, model, meter, keeper, validation, history);

    /// <summary>
    /// On a machine that becomes slower, a run that ends late is worse than one that has learnt a little less. A measured schedule has some
    /// slack, since ending before the learning rate has come down costs more than a few seconds.
    /// </summary>
    private readonly TimeSpan _limit = job.ScheduleIsSet ? job.Time : job.Steps is not null ? TimeSpan.MaxValue : job.Time * 1.25;

    /// <summary>
    /// Trains until the goal, the time limit or cancellation, and saves. A checkpoint on the way that cannot be written is noted, and the run goes on: the
    /// older one is still whole, and a disk that is full now may not be later. The last one must be written.
    /// </summary>
    /// <exception cref="CheckpointFailedException">The last checkpoint could not be written.</exception>
    /// <exception cref="StoppedException">Cancelled before the goal.</exception>
    public async Task TrainAsync(ITrainingView view, CancellationToken cancellation)
    {
        bool IsToGoOn() => !cancellation.IsCancellationRequested && !validation.IsExhausted && (meter.Tokens == 0 || meter.Elapsed < _limit);
        if (job.Resume is not null && IsToGoOn())
        {
            // A run that was stopped right after the step had not been measured there.
            await EvaluateAsync(view);
        }

        view.Enter("taking the first step, which also compiles code");
        while (meter.Step < goal && IsToGoOn())
        {
            // One stream until the next pause: a stream submits a step ahead, and checkpoints, evaluations and samples belong between two steps.
            long until = new[] { goal, Next(job.SaveEvery), Next(job.EvalEvery), Math.Max(_samples.Next, meter.Step + 1) }.Min();
            IEnumerable<IReadOnlyList<MicroBatch>> batches = Enumerable.Sequence(meter.Step + 1, until, 1)
                .TakeWhile(_ => IsToGoOn())
                .Select(step => _batches(step, model.Run.MicroBatches, job.Sequences));

            // Cancellation ends the batches, not the steps: what was begun is committed and saved.
            await foreach (StepOutcome step in model.TrainAsync(batches, CancellationToken.None))
            {
                await FollowAsync(step, view);
            }

            // The best must be on the disk to be kept; a run of one checkpoint keeps the newest.
            bool isBest = IsToGoOn() && await EvaluateAsync(view);
            if (meter.Step < goal && IsToGoOn() && (IsDue(job.SaveEvery) || (isBest && job.Keep > 1)))
            {
                view.Enter("saving a checkpoint");
                await _checkpoints.TrySaveAsync();
            }

            if (meter.Step < goal && IsToGoOn() && await _samples.FollowAsync(cancellation))
            {
                view.Report(meter.Progress());
            }
        }

        LogLoad(_loads.Take());
        if (Directed && meter.StepsHere > 0)
        {
            await _director.AskAsync(isLast: true);
        }

        if (meter.Step > _checkpoints.Step)
        {
            view.Enter("saving the checkpoint");
        }

        await _checkpoints.SaveAsync();
        if (validation.Ending is { } ending)
        {
            meter.Note(ending);
        }
        else if (meter.Step < goal && cancellation.IsCancellationRequested)
        {
            throw new StoppedException(
                meter.Step == 0
                    ? "stopped before the first step; there is nothing to resume."
                    : $"stopped after step {meter.Step} of {goal}; the checkpoint is in {job.Folder.Checkpoint}. Go on with: {job.Folder.ResumeCommand}",
                cancellation);
        }
    }

    /// <summary>Measures the validation loss and lets the model write.</summary>
    public async Task<TrainingResult> FinishAsync(ITrainingView view, CancellationToken cancellation)
    {
        meter.Stop();
        double seconds = meter.Elapsed.TotalSeconds;
        view.Enter("measuring the validation loss");
        EvaluationOutcome loss = await validation.MeasureAsync(cancellation);
        TrainingProgress progress = meter.Progress();
        view.Report(progress);
        keeper.Report(progress);
        try
        {
            await history.FlushAsync();
        }
        catch (IOException e)
        {
            view.Remark(e.Message);
        }

        view.Enter("letting the model write");
        string[] sample = await model.GenerateTextAsync(job.Prompt, SampleTokens, SampleTemperature, (ulong)job.Seed, job.Text.Tokenizer, cancellation).ToArrayAsync(cancellation);
        return new TrainingResult(
            Silos: job.Silos,
            Steps: meter.Step,
            ResumedAt: meter.ResumedAt,
            Seconds: 0,
            TrainingSeconds: seconds,
            TrainingTokens: meter.Tokens,
            TokensPerSecond: meter.Tokens / seconds,
            TrainingLoss: double.IsNaN(meter.CrossEntropy) ? null : meter.CrossEntropy,
            RouterEntropy: meter.RouterEntropy,
            DroppedShare: meter.DroppedShare,
            ValidationLoss: loss.Loss,
            ValidationBytes: loss.Tokens,
            UnigramLoss: meter.FrequencyLoss,
            ShardsMoved: meter.ShardsMoved,
            Balance: meter.MeanBalance,
            BalanceAsBegun: meter.MeanBalanceAsBegun,
            Director: meter.Director,
            EarlierDecisions: meter.EarlierDecisions,
            Parameters: ModelLayout.ParameterCount(model.Run.Model),
            Fingerprint: (await model.FingerprintAsync(cancellation)).ToString("x16", CultureInfo.InvariantCulture),
            Checkpoint: Path.GetFullPath(job.Folder.Checkpoint),
            Ending: validation.Ending,
            Sample: job.Prompt + string.Concat(sample));
    }

    /// <summary>A single worker leaves a director nothing to do.</summary>
    private bool Directed => job.Director is not null && job.Silos > 1;

    /// <summary>Measures the validation loss if it is time to.</summary>
    /// <returns>Whether there was none better.</returns>
    private async Task<bool> EvaluateAsync(ITrainingView view)
    {
        if (!validation.IsDueNow)
        {
            return false;
        }

        view.Enter("measuring the validation loss");
        bool isBest = await validation.FollowAsync(CancellationToken.None);
        view.Report(meter.Progress());
        return isBest;
    }

    private void LogLoad(LoadEvent? load)
    {
        if (load is not null)
        {
            history.Log(load);
        }
    }

    private bool IsDue(int every) => every > 0 && meter.Step % every == 0;

    /// <summary>The next step that is a multiple of a number; beyond all steps when the number is 0.</summary>
    private long Next(int every) => every > 0 ? (meter.Step / every + 1) * every : long.MaxValue;

    /// <summary>What is done after every step: it is written down and shown, and the experts' places are followed.</summary>
    private async Task FollowAsync(StepOutcome step, ITrainingView view)
    {
        meter.Add(step);
        TrainingProgress progress = meter.Progress();
        history.Log(StepEvent.Of(step, meter.LayerBalance));
        LogLoad(_loads.Add(step));
        view.Report(progress);
        if (keeper.IsDue || step.Step == goal)
        {
            keeper.Remember(await model.GetStatusAsync(CancellationToken.None));
        }

        keeper.Report(progress);
        if (Directed)
        {
            // After the step was shown, as its tokens went where the experts were before.
            await _director.FollowAsync(step);
        }

        if (step.Step == record.TurnsAfter)
        {
            meter.Note("the text changes its subject");
        }

        if (job.MovesBusyExpert && step.Step == goal / 2 && meter.BusiestExpert() is { } move)
        {
            await MoveAsync(move);
        }
    }

    private async Task MoveAsync(ExpertMove move)
    {
        try
        {
            await model.MoveExpertAsync(move.Layer, move.Expert, move.Rank, CancellationToken.None);
        }
        catch (PlacementRefusedException)
        {
            // Since the last look at the placement, the director has moved or copied this very expert.
            meter.Note($"layer {move.Layer}'s expert {move.Expert} is not moved by hand: the director has been faster");
            return;
        }

        if (meter.Follow(await model.GetStatusAsync(CancellationToken.None), move) is { } moved)
        {
            history.Log(moved);
        }
    }
}
