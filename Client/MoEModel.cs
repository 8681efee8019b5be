using System.Runtime.CompilerServices;
using MoEActors.Client.Tokens;
using MoEActors.Grains.Interfaces;
using MoEActors.Grains.Interfaces.Director;
using MoEActors.Grains.Interfaces.Gates;
using MoEActors.Grains.Interfaces.Training;
using MoEActors.Modules.Gates;
using MoEActors.Placement.Map;
using MoEActors.Placement.Parallelism;

namespace MoEActors.Client;

/// <summary>A model of a cluster: training, evaluation, generation, checkpoints.</summary>
public sealed class MoEModel
{
    /// <summary>Tokens of one request of a generation: what is computed in vain, at most, when it is cancelled.</summary>
    private const int GenerationSlice = 8;

    /// <summary>How often gates are asked anew while a step is being committed.</summary>
    private const int MostGateTries = 50;

    private static readonly TimeSpan GatePause = TimeSpan.FromMilliseconds(20);

    private readonly IGrainFactory _grains;
    private readonly CancellationToken _ending;

    /// <summary>The call that submitted the last step.</summary>
    private Task _submission = Task.CompletedTask;

    internal MoEModel(string name, IGrainFactory grains, RunConfiguration run, ViewOutcome view, CancellationToken ending)
    {
        _grains = grains;
        _ending = ending;
        Grain = grains.GetGrain<ITrainingGrain>(name);
        Name = name;
        Run = run;
        Step = view.Step;
        Cursor = view.Cursor;
    }

    /// <summary>The model's coordinator.</summary>
    internal ITrainingGrain Grain { get; }

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
    /// <param name="cancellationToken">
    /// Stops waiting; the step itself goes on. The same batch submitted next is that step, and has its outcome; before another batch, call <see cref="RefreshAsync"/>.
    /// </param>
    /// <exception cref="InvalidRequestException">The batch does not fit the run.</exception>
    /// <exception cref="StepTakenException">Another batch has the step: after a cancelled call, or from another client. This one was not learnt.</exception>
    /// <exception cref="RunStoppedException">The run was stopped; the batch was not learnt.</exception>
    /// <exception cref="NonFiniteLossException">The step was refused; the model is as before.</exception>
    /// <exception cref="MemoryRefusedException">A micro-batch is too large for a worker; the model is as before.</exception>
    /// <exception cref="ViewFailedException">A worker failed; the model is as before.</exception>
    public async Task<StepOutcome> TrainStepAsync(IReadOnlyList<MicroBatch> batch, CancellationToken cancellationToken = default)
    {
        StepOutcome outcome = await SubmitAsync(Step + 1, batch, before: null, cancellationToken);
        Step = outcome.Step;
        return outcome;
    }

    /// <summary>
    /// Learns from a sequence of batches. One batch is submitted ahead, so that the cluster never waits for the client; who leaves the loop
    /// early waits for that step too, and finds it in <see cref="Step"/>.
    /// </summary>
    /// <param name="batches">The batches.</param>
    /// <param name="cancellationToken">Ends it when the steps that are submitted already, two at most, are committed: <see cref="Step"/> counts them. Waits a minute for that.</param>
    /// <exception cref="RunStoppedException">The run was stopped, after the last step that was given.</exception>
    public IAsyncEnumerable<StepOutcome> TrainAsync(IEnumerable<IReadOnlyList<MicroBatch>> batches, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(batches);
        return TrainAsync(batches.ToAsyncEnumerable(), cancellationToken);
    }

    /// <summary>
    /// As above, from batches that come from somewhere else: the next one is waited for while the cluster trains, and a step's outcome is given when the
    /// next batch is there.
    /// </summary>
    /// <param name="batches">The batches.</param>
    /// <param name="cancellationToken">Ends the wait for batches, and it all when the steps that are submitted already are committed.</param>
    public async IAsyncEnumerable<StepOutcome> TrainAsync(
        IAsyncEnumerable<IReadOnlyList<MicroBatch>> batches, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(batches);
        Task<StepOutcome>? running = null;
        long next = Step + 1;
        try
        {
            await foreach (IReadOnlyList<MicroBatch> batch in batches.WithCancellation(cancellationToken))
            {
                Task<StepOutcome> submitted = SubmitAsync(next++, batch, running, cancellationToken);
                (Task<StepOutcome>? first, running) = (running, submitted);
                if (first is not null)
                {
                    StepOutcome outcome = await AwaitFirstAsync(first, submitted);
                    Step = outcome.Step;
                    yield return outcome;
                }
            }

            if (running is not null)
            {
                StepOutcome outcome = await running;
                running = null;
                Step = outcome.Step;
                yield return outcome;
            }
        }
        finally
        {
            if (running is not null)
            {
                await CatchUpAsync(running, cancellationToken);
            }
        }
    }

    /// <summary>Learns how many steps are committed after a loop that was left with a step ahead.</summary>
    private async Task CatchUpAsync(Task<StepOutcome> ahead, CancellationToken cancellationToken)
    {
        await Task.WhenAny(ahead);
        if (ahead.IsCompletedSuccessfully)
        {
            Step = (await ahead).Step;
        }
        else if (cancellationToken.IsCancellationRequested)
        {
            // Only the waiting was cancelled; steps that the cluster has taken will be committed. One may still be on its way: calls can overtake each other.
            await Task.WhenAny(_submission);
            using var limit = new CancellationTokenSource(Tickets.Patience);
            try
            {
                await RefreshAsync(limit.Token);
            }
            catch (Exception e) when (e is MoEException or OrleansException or TimeoutException or OperationCanceledException)
            {
                // A cluster that does not answer, or whose step does not end: what is known stays known, and the caller hears of the cancellation.
            }
        }
    }

    /// <summary>Waits for what is under way and learns how many steps are committed: after a cancelled call, or when others train the model too.</summary>
    /// <param name="cancellationToken">Stops waiting.</param>
    public async Task RefreshAsync(CancellationToken cancellationToken = default) =>
        Step = (await RunAsync<ProgressOutcome>(new ProgressRequest(), cancellationToken)).Step;

    /// <summary>Mean cross-entropy of micro-batches, nats per predicted token. Nothing is learnt.</summary>
    public Task<EvaluationOutcome> EvaluateAsync(IReadOnlyList<MicroBatch> batches, CancellationToken cancellationToken = default) =>
        RunAsync<EvaluationOutcome>(new EvaluateRequest([.. batches]), cancellationToken);

    /// <summary>Continues a text, token by token as they come. The tokens follow from prompt, temperature and seed alone.</summary>
    /// <param name="prompt">At least one token.</param>
    /// <param name="count">Tokens to add.</param>
    /// <param name="temperature">Divides the logits; 0 takes the most likely token.</param>
    /// <param name="seed">Seed of the draws.</param>
    /// <param name="cancellationToken">Stops the text; the cluster works on it for a few tokens more at most.</param>
    /// <exception cref="InvalidRequestException">The prompt, the count or the temperature cannot be.</exception>
    /// <exception cref="NonFiniteOutputException">The model's logits are not finite.</exception>
    public async IAsyncEnumerable<int> GenerateAsync(
        IReadOnlyList<int> prompt, int count, float temperature = 1f, ulong seed = 1,
        [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        // A draw follows from seed and position, so that the division into requests changes nothing.
        List<int> text = [.. prompt];
        long end = text.Count + (long)count;
        do
        {
            _ending.ThrowIfCancellationRequested();
            var request = new GenerateRequest([.. text], (int)Math.Min(end - text.Count, GenerationSlice), temperature, seed);
            foreach (int token in (await RunAsync<GenerationOutcome>(request, cancellationToken)).Tokens)
            {
                text.Add(token);
                yield return token;
            }
        }
        while (text.Count < end);
    }

    /// <summary>
    /// Continues a text, as text: pieces of whole characters as they come, until the model ends it or it has as many tokens as were asked for. What is no UTF-8 becomes the replacement character.
    /// </summary>
    /// <param name="prompt">At least one character.</param>
    /// <param name="count">Tokens to add at most.</param>
    /// <param name="temperature">Divides the logits; 0 takes the most likely token.</param>
    /// <param name="seed">Seed of the draws.</param>
    /// <param name="tokenizer">What the model has learnt from; null for <see cref="TextTokenizer.Bytes"/>.</param>
    /// <param name="cancellationToken">Stops the text, see <see cref="GenerateAsync"/>.</param>
    /// <exception cref="InvalidRequestException">The model's tokens are another's, or the prompt, the count or the temperature cannot be.</exception>
    /// <exception cref="NonFiniteOutputException">The model's logits are not finite.</exception>
    public IAsyncEnumerable<string> GenerateTextAsync(
        string prompt, int count, float temperature = 1f, ulong seed = 1, TextTokenizer? tokenizer = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(prompt);
        TextTokenizer tokens = tokenizer ?? TextTokenizer.Bytes;
        return Run.Model.Vocabulary == tokens.Vocabulary
            ? tokens.DecodeAsync(GenerateAsync(tokens.Encode(prompt), count, temperature, seed, cancellationToken), cancellationToken)
            : throw new InvalidRequestException(
                $"Model '{Name}' has a vocabulary of {Run.Model.Vocabulary}, and the tokenizer {tokens.Name} one of {tokens.Vocabulary}: name the one that it has learnt from, or use {nameof(GenerateAsync)}.");
    }

    /// <summary>Writes a checkpoint in the Hugging Face layout: safetensors, an index, and configurations.</summary>
    /// <param name="place">A path, relative to each silo's root of checkpoints, or a file: URI; it is created. A checkpoint that is there stays whole until the new one is complete.</param>
    /// <param name="cursor">What to hand back on resuming, such as a place in the data; see <see cref="MoECluster.RestoreModelAsync"/>.</param>
    /// <param name="overwrite">Whether to replace the index and description that another model or another program has there; without it, that is refused.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    /// <exception cref="CheckpointFailedException">The place cannot be written to, or is not this model's; the model is as before.</exception>
    public Task<SaveOutcome> SaveAsync(string place, string cursor = "", bool overwrite = false, CancellationToken cancellationToken = default) =>
        RunAsync<SaveOutcome>(new SaveRequest(place, cursor, overwrite), cancellationToken);

    /// <summary>Moves an expert, its optimizer state included, to another worker between two steps. Training results do not change by a bit.</summary>
    /// <param name="layer">The layer.</param>
    /// <param name="expert">The expert.</param>
    /// <param name="rank">The worker that is to hold it: its rank in the open view, see <see cref="GetStatusAsync"/>.</param>
    /// <param name="cancellationToken">Stops waiting; the move itself goes on.</param>
    /// <exception cref="InvalidRequestException">There is no such expert.</exception>
    /// <exception cref="PlacementRefusedException">There is no such worker, or the expert has replicas.</exception>
    /// <exception cref="MemoryRefusedException">The worker has not the memory for it.</exception>
    public Task MoveExpertAsync(int layer, int expert, int rank, CancellationToken cancellationToken = default) =>
        RunAsync<ViewOutcome>(new MoveRequest(layer, expert, rank), cancellationToken);

    /// <summary>
    /// Lets the placement follow the load from the next step on: experts move and are copied while steps run. The first time, the cluster
    /// measures itself. In a reproducible run training results do not change by a bit.
    /// </summary>
    /// <param name="settings">How; null to leave the placement alone from now on.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    /// <exception cref="InvalidRequestException">There is no such policy, or a number cannot work.</exception>
    public Task SetDirectorAsync(DirectorSettings? settings, CancellationToken cancellationToken = default) =>
        RunAsync<DirectOutcome>(new DirectRequest(settings), cancellationToken);

    /// <summary>Takes a snapshot of the last step now, whenever the next one would be due: what the run goes on from when a silo with experts is lost.</summary>
    /// <param name="cancellationToken">Stops waiting; the snapshot itself is taken.</param>
    /// <returns>The step whose state it is.</returns>
    /// <exception cref="InvalidRequestException">Snapshots are off.</exception>
    /// <exception cref="CheckpointFailedException">It cannot be written; the one before stays.</exception>
    public async Task<long> SnapshotAsync(CancellationToken cancellationToken = default) => (await RunAsync<SnapshotOutcome>(new SnapshotRequest(), cancellationToken)).Step;

    /// <summary>
    /// Takes all experts of this model from a silo, to the others, and has it take part in nothing any more until <see cref="UndrainAsync"/>: it can be ended then
    /// without anything being lost. In a reproducible run training results do not change by a bit. Other models use it as before.
    /// </summary>
    /// <param name="silo">Name of the silo.</param>
    /// <param name="cancellationToken">Stops waiting; the drain itself goes on.</param>
    /// <exception cref="PlacementRefusedException">There is no such silo, or no other one.</exception>
    /// <exception cref="MemoryRefusedException">The others have not the memory for its experts; they are where they were.</exception>
    /// <exception cref="PlacementChangeFailedException">Its experts could not be copied; they are where they were.</exception>
    public Task DrainAsync(string silo, CancellationToken cancellationToken = default) => RunAsync<ViewOutcome>(new DrainRequest(silo, Drained: true), cancellationToken);

    /// <summary>Has a silo take part again that was drained, from the next step on.</summary>
    /// <param name="silo">Name of the silo.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    public Task UndrainAsync(string silo, CancellationToken cancellationToken = default) => RunAsync<ViewOutcome>(new DrainRequest(silo, Drained: false), cancellationToken);

    /// <summary>What the director sees, what it has decided and why, and what came of it.</summary>
    public Task<DirectorStatus> GetDirectorAsync(CancellationToken cancellationToken = default) =>
        _grains.GetGrain<IDirectorGrain>(Name).GetStatusAsync().WaitAsync(cancellationToken);

    /// <summary>
    /// Replaces the routing policy of a layer between two steps: experts per token, capacity, noise, loss coefficients - everything but what
    /// decides which tensors the gate has. It holds on all workers alike, through moves, new coordinators and checkpoints.
    /// </summary>
    /// <param name="layer">The layer.</param>
    /// <param name="change">Makes the policy wished for from the one in force, as in <c>gate => gate with { TopK = 1 }</c>; may be called again.</param>
    /// <param name="cancellationToken">Stops waiting; the change itself goes on.</param>
    /// <returns>The policy and the first step that follows it: the one after those that were submitted before.</returns>
    /// <exception cref="InvalidRequestException">There is no such gate, or it cannot be configured so: all mistakes. The old policy stays.</exception>
    /// <exception cref="ViewFailedException">A worker failed; the old policy stays.</exception>
    public async Task<GatePolicy> ConfigureGateAsync(
        int layer, Func<GateOptions, GateOptions> change, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(change);
        TrainingStatus status = await GetStatusAsync(cancellationToken);
        GateOptions current = status.Gates.FirstOrDefault(gate => gate.Layer == layer)?.Options ?? Run.Model.Gate;
        while (true)
        {
            GateOptions wanted = change(current);
            var request = new ConfigureGateRequest(layer, current, wanted);
            GatePolicy inForce = (await RunAsync<GateOutcome>(request, cancellationToken)).Policy;
            if (inForce.Options == wanted)
            {
                return inForce;
            }

            // Another client was faster: the change is made to what is in force now.
            current = inForce.Options;
        }
    }

    /// <summary>
    /// Chooses what travels in the steps behind those that were submitted before: rows to the workers that hold their experts, experts to the rows, or rows to several workers that
    /// compute a slice of their expert each. No parameter moves for it; the time of a step and the memory of the workers depend on it. Bits of results do with slices alone, which agree
    /// with whole experts to about 1e-5 in a step, and which a reproducible run therefore refuses.
    /// </summary>
    /// <param name="parallelism">What travels: a <see cref="LayerParallelism"/>, or slices, <see cref="ParallelismChoice.Sliced"/>.</param>
    /// <param name="layer">The layer; null for every layer with experts.</param>
    /// <param name="cancellationToken">Gives up waiting.</param>
    /// <returns>What travels in every layer, and the first step that has it so.</returns>
    /// <exception cref="InvalidRequestException">There is no such layer, or the run, its experts or its number of workers do not allow it.</exception>
    /// <exception cref="MemoryRefusedException">A worker has not the memory for it; nothing has changed.</exception>
    public Task<ParallelismOutcome> ConfigureParallelismAsync(
        ParallelismChoice parallelism, int? layer = null, CancellationToken cancellationToken = default) =>
        RunAsync<ParallelismOutcome>(new ConfigureParallelismRequest(layer, parallelism), cancellationToken);

    /// <summary>
    /// Has what travels chosen by what steps take, from the next step on: the ways of <see cref="LayerParallelism"/>, and slices where the run is not reproducible and has two workers or more for every expert, are tried where they may be faster, at most 1.2 % of the time, and
    /// what was learnt is saved with checkpoints. <see cref="GetStatusAsync"/> says what travels and why. <see cref="ConfigureParallelismAsync"/> ends it.
    /// </summary>
    /// <param name="layer">The layer; null for every layer with experts.</param>
    /// <param name="cancellationToken">Gives up waiting.</param>
    /// <exception cref="InvalidRequestException">There is no such layer, or it is a layer without a backbone.</exception>
    /// <exception cref="MemoryRefusedException">A worker has not the memory for one of the ways; nothing has changed.</exception>
    public Task<ParallelismOutcome> TuneParallelismAsync(int? layer = null, CancellationToken cancellationToken = default) =>
        RunAsync<ParallelismOutcome>(new TuneParallelismRequest(layer), cancellationToken);

    /// <summary>A layer's routing policy, and what it led to in the last step: asked of the gate grains of all ranks.</summary>
    /// <exception cref="InvalidRequestException">There is no such gate, or no view is open.</exception>
    /// <exception cref="ViewFailedException">No two answers of the ranks' gates were of one step: steps are too short to be caught between.</exception>
    public async Task<LayerGateStatus> GetGateStatusAsync(int layer, CancellationToken cancellationToken = default)
    {
        if (!Run.Model.MoELayers.Contains(layer))
        {
            throw new InvalidRequestException($"Layer {layer} has no gate; layers with one are {string.Join(", ", Run.Model.MoELayers)}.");
        }

        for (int tries = 0; tries < MostGateTries; tries++)
        {
            TrainingStatus status = await GetStatusAsync(cancellationToken);
            int workers = status.Map?.Workers.Length ?? throw new InvalidRequestException($"Model '{Name}' has no open view, and so no gates; the next step opens one.");
            try
            {
                GateStatus[] ranks = await Task.WhenAll(Enumerable.Range(0, workers).Select(
                    rank => _grains.GetGrain<IGateGrain>(GrainKeys.Gate(Name, layer, rank)).GetStatusAsync())).WaitAsync(cancellationToken);
                if (ranks.DistinctBy(rank => (rank.Step, rank.Policy)).Count() == 1)
                {
                    return new LayerGateStatus(ranks);
                }
            }
            catch (PlacementRefusedException)
            {
                // An activation that an earlier view left elsewhere: it goes once it has been asked.
            }

            await Task.Delay(GatePause, cancellationToken);
        }

        throw new ViewFailedException($"The gates of layer {layer} of model '{Name}' were at different steps whenever they were asked; ask again between two steps.");
    }

    /// <summary>A hash of all parameters, bit for bit, wherever they are.</summary>
    public async Task<ulong> FingerprintAsync(CancellationToken cancellationToken = default) =>
        (await RunAsync<FingerprintOutcome>(new FingerprintRequest(), cancellationToken)).Hash;

    /// <summary>Term, view, step, and where everything is.</summary>
    public Task<TrainingStatus> GetStatusAsync(CancellationToken cancellationToken = default) =>
        Grain.GetStatusAsync().WaitAsync(cancellationToken);

    private Task<StepOutcome> SubmitAsync(
        long step, IReadOnlyList<MicroBatch> batch, Task? before, CancellationToken cancellationToken)
    {
        _ending.ThrowIfCancellationRequested();
        var request = new StepRequest(step, [.. batch]);
        return Tickets.RunAsync<StepOutcome>(Grain, SendAsync, before, cancellationToken);

        Task<long> SendAsync()
        {
            Task<long> sent = Grain.SubmitStepAsync(request);
            _submission = sent;
            return sent;
        }
    }

    internal Task<TOutcome> RunAsync<TOutcome>(WorkRequest request, CancellationToken cancellationToken)
        where TOutcome : WorkOutcome => Tickets.RunAsync<TOutcome>(Grain, () => Grain.SubmitAsync(request), before: null, cancellationToken);

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
}
