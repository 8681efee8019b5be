using System.Runtime.CompilerServices;
using MoEActors.Grains.Interfaces.Director;
using MoEActors.Grains.Interfaces.Training;
using MoEActors.Grains.Interfaces.Workers;
using MoEActors.Modules.Models;

namespace MoEActors.Client;

/// <summary>A model of a cluster: training, evaluation, generation, checkpoints.</summary>
public sealed class MoEModel
{
    private readonly ITrainingGrain _grain;
    private readonly IDirectorGrain _director;

    internal MoEModel(string name, IGrainFactory grains, RunConfiguration run, EpochOutcome epoch)
    {
        _grain = grains.GetGrain<ITrainingGrain>(name);
        _director = grains.GetGrain<IDirectorGrain>(name);
        Name = name;
        Run = run;
        Step = epoch.Step;
        Cursor = epoch.Cursor;
    }

    /// <summary>The model's name.</summary>
    public string Name { get; }

    /// <summary>Model, optimizer, and micro-batches per step.</summary>
    public RunConfiguration Run { get; }

    /// <summary>What was saved as the cursor with the checkpoint that the model was restored from; empty for none.</summary>
    public string Cursor { get; }

    /// <summary>Steps that this client knows to be committed.</summary>
    public long Step { get; private set; }

    /// <summary>Learns from one batch. The step is committed when the task ends well.</summary>
    /// <param name="batch">As many micro-batches as the run has per step.</param>
    /// <param name="cancellationToken">Stops waiting; the step itself goes on.</param>
    /// <exception cref="Grains.Interfaces.Errors.InvalidRequestException">The batch does not fit the run.</exception>
    /// <exception cref="Grains.Interfaces.Errors.NonFiniteLossException">The step was refused; the model is as before.</exception>
    /// <exception cref="Grains.Interfaces.Errors.EpochFailedException">A worker failed; the model is as before.</exception>
    public async Task<StepOutcome> TrainStepAsync(IReadOnlyList<MicroBatch> batch, CancellationToken cancellationToken = default)
    {
        StepOutcome outcome = await SubmitAsync(Step + 1, batch, before: null, cancellationToken);
        Step = outcome.Step;
        return outcome;
    }

    /// <summary>Learns from a sequence of batches. One batch is submitted ahead, so that the cluster never waits for the client.</summary>
    /// <param name="batches">The batches.</param>
    /// <param name="cancellationToken">Stops between two steps.</param>
    public async IAsyncEnumerable<StepOutcome> TrainAsync(
        IEnumerable<IReadOnlyList<MicroBatch>> batches, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(batches);
        Task<StepOutcome>? running = null;
        long next = Step + 1;
        foreach (IReadOnlyList<MicroBatch> batch in batches)
        {
            Task<StepOutcome> submitted = SubmitAsync(next++, batch, running, cancellationToken);
            if (running is not null)
            {
                StepOutcome outcome = await AwaitFirstAsync(running, submitted);
                Step = outcome.Step;
                yield return outcome;
            }

            running = submitted;
        }

        if (running is not null)
        {
            StepOutcome outcome = await running;
            Step = outcome.Step;
            yield return outcome;
        }
    }

    /// <summary>Mean cross-entropy of micro-batches, nats per predicted token. Nothing is learnt.</summary>
    public Task<EvaluationOutcome> EvaluateAsync(IReadOnlyList<MicroBatch> batches, CancellationToken cancellationToken = default) =>
        RunAsync<EvaluationOutcome>(new EvaluateRequest { Batches = Messages(batches) }, cancellationToken);

    /// <summary>Continues a text by <paramref name="count"/> tokens.</summary>
    /// <param name="prompt">At least one token.</param>
    /// <param name="count">Tokens to add.</param>
    /// <param name="temperature">Divides the logits; 0 takes the most likely token.</param>
    /// <param name="seed">Seed of the draws.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    public async Task<int[]> GenerateAsync(
        IReadOnlyList<int> prompt, int count, float temperature = 1f, ulong seed = 1, CancellationToken cancellationToken = default)
    {
        var request = new GenerateRequest { Prompt = [.. prompt], Count = count, Temperature = temperature, Seed = seed };
        return (await RunAsync<GenerationOutcome>(request, cancellationToken)).Tokens;
    }

    /// <summary>Writes a checkpoint in the Hugging Face layout: safetensors, an index, and configurations.</summary>
    /// <param name="folder">The folder; it is created. A checkpoint that is there stays whole until the new one is complete.</param>
    /// <param name="cursor">What to hand back on resuming, such as a place in the data; see <see cref="MoECluster.RestoreModelAsync"/>.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    /// <exception cref="IOException">The folder cannot be created.</exception>
    /// <exception cref="Grains.Interfaces.Errors.CheckpointFailedException">A file could not be written; the model is as before.</exception>
    public Task<SaveOutcome> SaveAsync(string folder, string cursor = "", CancellationToken cancellationToken = default)
    {
        string full = Path.GetFullPath(folder);
        Directory.CreateDirectory(full);
        return RunAsync<SaveOutcome>(new SaveRequest { Folder = full, Cursor = cursor }, cancellationToken);
    }

    /// <summary>Moves an expert, its optimizer state included, to another worker between two steps. Training results do not change by a bit.</summary>
    /// <param name="layer">The layer.</param>
    /// <param name="expert">The expert.</param>
    /// <param name="rank">The worker that is to hold it: its rank in the open epoch, see <see cref="GetStatusAsync"/>.</param>
    /// <param name="cancellationToken">Stops waiting; the move itself goes on.</param>
    /// <exception cref="Grains.Interfaces.Errors.InvalidRequestException">There is no such expert.</exception>
    /// <exception cref="Grains.Interfaces.Errors.PlacementRefusedException">There is no such worker.</exception>
    public Task MoveExpertAsync(int layer, int expert, int rank, CancellationToken cancellationToken = default) =>
        RunAsync<EpochOutcome>(new MoveRequest { Layer = layer, Expert = expert, Rank = rank }, cancellationToken);

    /// <summary>
    /// Lets the placement follow the load from the next step on: experts move and are copied while steps run. The first time, the cluster
    /// measures itself. In a reproducible run training results do not change by a bit.
    /// </summary>
    /// <param name="settings">How; null to leave the placement alone from now on.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    /// <exception cref="Grains.Interfaces.Errors.InvalidRequestException">There is no such policy, or a number cannot work.</exception>
    public Task SetDirectorAsync(DirectorSettings? settings, CancellationToken cancellationToken = default) =>
        RunAsync<DirectOutcome>(new DirectRequest { Settings = settings }, cancellationToken);

    /// <summary>What the director sees, what it has decided and why, and what came of it.</summary>
    public Task<DirectorStatus> GetDirectorAsync(CancellationToken cancellationToken = default) =>
        _director.GetStatusAsync().WaitAsync(cancellationToken);

    /// <summary>A hash of all parameters, bit for bit, wherever they are.</summary>
    public async Task<ulong> FingerprintAsync(CancellationToken cancellationToken = default) =>
        (await RunAsync<FingerprintOutcome>(new FingerprintRequest(), cancellationToken)).Hash;

    /// <summary>Term, epoch, step, and where everything is.</summary>
    public Task<TrainingStatus> GetStatusAsync(CancellationToken cancellationToken = default) =>
        _grain.GetStatusAsync().WaitAsync(cancellationToken);

    private Task<StepOutcome> SubmitAsync(
        long step, IReadOnlyList<MicroBatch> batch, Task? before, CancellationToken cancellationToken)
    {
        var request = new StepRequest { Step = step, Batches = Messages(batch) };
        return Tickets.RunAsync<StepOutcome>(_grain, () => _grain.SubmitStepAsync(request), before, cancellationToken);
    }

    private Task<TOutcome> RunAsync<TOutcome>(WorkRequest request, CancellationToken cancellationToken)
        where TOutcome : WorkOutcome => Tickets.RunAsync<TOutcome>(_grain, () => _grain.SubmitAsync(request), before: null, cancellationToken);

    private static async Task<StepOutcome> AwaitFirstAsync(Task<StepOutcome> first, Task<StepOutcome> second)
    {
        try
        {
            return await first;
        }
        catch
        {
            // The step behind a refused one is refused too; its error says no more than the first one's.
            await second.ContinueWith(_ => { }, TaskScheduler.Default);
            throw;
        }
    }

    private static MicroBatchMessage[] Messages(IReadOnlyList<MicroBatch> batches) =>
    [
        .. batches.Select((batch, index) => new MicroBatchMessage
        {
            Index = index,
            Inputs = batch.Inputs,
            Targets = batch.Targets,
            SequenceLength = batch.SequenceLength,
        }),
    ];
}
