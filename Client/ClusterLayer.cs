using System.Runtime.InteropServices;
using MoEActors.Grains.Interfaces.Training;
using MoEActors.Modules.Gates;
using MoEActors.Native.Communication;
using MoEActors.Placement.Parallelism;

namespace MoEActors.Client;

/// <summary>
/// A mixture-of-experts layer of a cluster, in a backbone of the caller's own: rows go forward, gradients come back, and <see cref="ApplyAsync"/>
/// updates the layer's parameters. Rows stay in the caller's memory; workers in this process read and write them there. Several pairs of forward
/// and backward before one update add up their gradients. One call at a time; one object trains a layer.
/// <para>
/// Results do not depend on the number of silos or on where experts are. Rows of a call are split into
/// <see cref="LayerConfiguration.MicroBatches"/> contiguous parts, and routing (capacity, auxiliary losses) is that of the parts.
/// </para>
/// </summary>
public sealed class ClusterLayer
{
    private readonly MoEModel _run;
    private readonly CallerBuffers? _memory;
    private int _calls;
    private int _rows;
    private Guid _forward;

    /// <summary>Whether an update may have been committed without this client's knowledge.</summary>
    private bool _stepUnknown;

    internal ClusterLayer(MoEModel run, CallerBuffers? memory)
    {
        _run = run;
        _memory = memory;
        Configuration = LayerConfiguration.From(run.Run);
        Step = run.Step;
    }

    /// <summary>The layer's name.</summary>
    public string Name => _run.Name;

    /// <summary>What the layer is.</summary>
    public LayerConfiguration Configuration { get; }

    /// <summary>What was saved as the cursor with the checkpoint that the layer was restored from; empty for none.</summary>
    public string Cursor => _run.Cursor;

    /// <summary>Updates that this client knows to be committed.</summary>
    public long Step { get; private set; }

    /// <summary>Pairs of forward and backward whose gradients wait for <see cref="ApplyAsync"/>.</summary>
    public int Passes { get; private set; }

    /// <summary>Computes y = MoE(x). A backward may follow; a forward that no backward has followed leaves no trace.</summary>
    /// <param name="x">[rows, features], row-major: T·<see cref="LayerConfiguration.Dim"/> finite numbers.</param>
    /// <param name="y">[rows, features], to be written; x itself, or memory apart from it.</param>
    /// <param name="training">False to evaluate: nothing is random, and a forward that waits for its backward still does afterwards.</param>
    /// <param name="auxiliaryScale">
    /// Weight of the auxiliary losses (mean over micro-batches) in your loss. With n pairs per update and a loss that is their mean, it is 1/n.
    /// </param>
    /// <param name="cancellationToken">Stops waiting, takes the memory back, and abandons the step.</param>
    /// <returns>Auxiliary loss, before its weight, and tokens of every expert.</returns>
    /// <exception cref="InvalidRequestException">The memory does not fit, or a number is not finite, or another call runs. The step goes on.</exception>
    /// <exception cref="PassRefusedException">An expert has moved since the step's first forward, say. The step begins anew.</exception>
    /// <exception cref="MemoryRefusedException">So many rows do not fit a worker's memory. The step begins anew.</exception>
    /// <exception cref="ViewFailedException">A worker failed. The step begins anew.</exception>
    /// <exception cref="NotSupportedException">The client is not in the process of its silos.</exception>
    public Task<ForwardOutcome> ForwardAsync(
        ReadOnlyMemory<float> x, Memory<float> y, bool training = true, float auxiliaryScale = 1f, CancellationToken cancellationToken = default) =>
        AloneAsync(nameof(ForwardAsync), async () =>
        {
            Check("x", x, "y", y);
            Require(float.IsFinite(auxiliaryScale), $"The weight {auxiliaryScale} of the auxiliary losses must be finite.");
            int rows = x.Length / Configuration.Dim;
            Guid forward = Guid.Empty;
            ForwardOutcome outcome = await LendAsync<ForwardOutcome>(
                x, y,
                handle => new ForwardRequest(forward = handle, rows, training ? Passes + 1 : 0, auxiliaryScale),
                cancellationToken);
            if (training)
            {
                (_forward, _rows) = (forward, rows);
            }

            return outcome;
        });

    /// <summary>
    /// Computes dx from the gradient dy of the last forward's y, and adds to the gradients of the layer's parameters. The auxiliary losses of that
    /// forward are part of it.
    /// </summary>
    /// <param name="dy">[rows, features]: the gradient of your loss by y.</param>
    /// <param name="dx">[rows, features], to be written: the gradient of your loss by x; dy itself, or memory apart from it.</param>
    /// <param name="cancellationToken">Stops waiting, takes the memory back, and abandons the step.</param>
    /// <exception cref="InvalidRequestException">No forward came before, or the memory does not fit it. The step goes on.</exception>
    /// <exception cref="PassRefusedException">An expert has moved since the step's first forward, say. The step begins anew.</exception>
    /// <exception cref="ViewFailedException">A worker failed. The step begins anew.</exception>
    /// <exception cref="NotSupportedException">The client is not in the process of its silos.</exception>
    public Task BackwardAsync(ReadOnlyMemory<float> dy, Memory<float> dx, CancellationToken cancellationToken = default) =>
        AloneAsync(nameof(BackwardAsync), async () =>
        {
            Require(_rows > 0, $"No forward waits for its backward. Call {nameof(ForwardAsync)} with training first.");
            Check("dy", dy, "dx", dx);
            Require(
                dy.Length == _rows * Configuration.Dim,
                $"dy has {dy.Length / Configuration.Dim} rows; the forward before had {_rows}.");
            BackwardOutcome outcome = await LendAsync<BackwardOutcome>(
                dy, dx, handle => new BackwardRequest(handle, Passes + 1, _forward), cancellationToken);
            Passes = outcome.Passes;
            _rows = 0;
            return outcome;
        });

    /// <summary>Updates the layer's parameters by the gradients of all passes since the last update, and forgets them.</summary>
    /// <param name="cancellationToken">Stops waiting; the update itself goes on.</param>
    /// <returns>Number of the update, gradient norm, learning rate, tokens by expert. Its loss is the auxiliary one alone, mean over the passes, before their weight.</returns>
    /// <exception cref="InvalidRequestException">No backward came before.</exception>
    /// <exception cref="NonFiniteLossException">The gradient is not finite: nothing was updated. The step begins anew.</exception>
    /// <exception cref="PassRefusedException">An expert has moved since the step's first forward, say. The step begins anew.</exception>
    /// <exception cref="ViewFailedException">A worker failed. The step begins anew.</exception>
    public Task<StepOutcome> ApplyAsync(CancellationToken cancellationToken = default) => AloneAsync(nameof(ApplyAsync), async () =>
    {
        Require(Passes > 0, $"There is no gradient to apply. Call {nameof(ForwardAsync)} and {nameof(BackwardAsync)} first.");
        if (_stepUnknown)
        {
            Step = (await GetStatusAsync(cancellationToken)).Step;
        }

        Forget();
        _stepUnknown = true;
        var request = new StepRequest(Step + 1, [], _forward);
        StepOutcome outcome = await Tickets.RunAsync<StepOutcome>(_run.Grain, () => _run.Grain.SubmitStepAsync(request), before: null, cancellationToken);
        Step = outcome.Step;
        _stepUnknown = false;
        return outcome;
    });

    /// <summary>Moves an expert, its optimizer state included, to another worker. Between two updates: gradients that wait are lost.</summary>
    /// <param name="expert">The expert.</param>
    /// <param name="rank">The worker that is to hold it: its rank in the open view, see <see cref="GetStatusAsync"/>.</param>
    /// <param name="cancellationToken">Stops waiting; the move itself goes on.</param>
    /// <exception cref="InvalidRequestException">There is no such expert, or gradients wait for their update.</exception>
    /// <exception cref="PlacementRefusedException">There is no such worker.</exception>
    public Task MoveExpertAsync(int expert, int rank, CancellationToken cancellationToken = default) => AloneAsync(nameof(MoveExpertAsync), async () =>
    {
        Require(Passes == 0 && _rows == 0, $"A move would lose the gradients of {Passes + (_rows > 0 ? 1 : 0)} passes. Call {nameof(ApplyAsync)} before it.");
        await _run.MoveExpertAsync(0, expert, rank, cancellationToken);
        return true;
    });

    /// <summary>Writes a checkpoint: parameters and moments in safetensors, an index, and the configuration. Gradients that wait are not part of it.</summary>
    /// <param name="place">The folder; it is created. A checkpoint that is there stays whole until the new one is complete.</param>
    /// <param name="cursor">What to hand back on resuming; see <see cref="MoECluster.RestoreLayerAsync"/>.</param>
    /// <param name="overwrite">Whether to replace what another model or another program has there; without it, that is refused.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    /// <exception cref="CheckpointFailedException">A file could not be written, or the folder is not this layer's; the layer is as before.</exception>
    public Task<SaveOutcome> SaveAsync(string place, string cursor = "", bool overwrite = false, CancellationToken cancellationToken = default) =>
        _run.SaveAsync(place, cursor, overwrite, cancellationToken);

    /// <summary>Replaces the routing policy, from the next forward on; see <see cref="MoEModel.ConfigureGateAsync"/>.</summary>
    /// <param name="change">Makes the policy wished for from the one in force; may be called again.</param>
    /// <param name="cancellationToken">Stops waiting; the change itself goes on.</param>
    /// <exception cref="InvalidRequestException">The gate cannot be configured so: all mistakes. The old policy stays.</exception>
    /// <exception cref="ViewFailedException">A worker failed; the old policy stays.</exception>
    public Task<GatePolicy> ConfigureGateAsync(Func<GateOptions, GateOptions> change, CancellationToken cancellationToken = default) =>
        _run.ConfigureGateAsync(0, change, cancellationToken);

    /// <summary>Chooses what travels, from the next step on; see <see cref="MoEModel.ConfigureParallelismAsync"/>.</summary>
    /// <param name="parallelism">What travels.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    /// <exception cref="MemoryRefusedException">A worker has not the memory for it; nothing has changed.</exception>
    public Task<ParallelismOutcome> ConfigureParallelismAsync(ParallelismChoice parallelism, CancellationToken cancellationToken = default) =>
        _run.ConfigureParallelismAsync(parallelism, 0, cancellationToken);

    /// <summary>A hash of all parameters, bit for bit, wherever they are.</summary>
    public Task<ulong> FingerprintAsync(CancellationToken cancellationToken = default) => _run.FingerprintAsync(cancellationToken);

    /// <summary>Term, view, step, and where everything is.</summary>
    public Task<TrainingStatus> GetStatusAsync(CancellationToken cancellationToken = default) => _run.GetStatusAsync(cancellationToken);

    private async Task<TOutcome> LendAsync<TOutcome>(
        ReadOnlyMemory<float> source, Memory<float> target, Func<Guid, WorkRequest> request, CancellationToken cancellationToken)
        where TOutcome : WorkOutcome
    {
        if (_memory is null)
        {
            throw new NotSupportedException(
                $"Layer '{Name}' cannot be called from here: rows do not travel between processes yet. Call it from the process of its silos, with a "
                + $"{nameof(MoECluster)} that was given their {nameof(CallerBuffers)}.");
        }

        using BufferLease lease = _memory.Lease(source, target);
        try
        {
            return await _run.RunAsync<TOutcome>(request(lease.Handle), cancellationToken);
        }
        catch (Exception)
        {
            Forget();
            throw;
        }
    }

    private async Task<T> AloneAsync<T>(string call, Func<Task<T>> work)
    {
        try
        {
            Require(
                Interlocked.Increment(ref _calls) == 1,
                $"{call} was called while another call to layer '{Name}' runs. Await each call before the next.");
            return await work();
        }
        catch (RolledBackException e)
        {
            Step = e.Step;
            _stepUnknown = false;
            Forget();
            throw;
        }
        finally
        {
            Interlocked.Decrement(ref _calls);
        }
    }

    private void Forget()
    {
        Passes = 0;
        _rows = 0;
    }

    private void Check(string sourceName, ReadOnlyMemory<float> source, string targetName, Memory<float> target)
    {
        int dim = Configuration.Dim;
        Require(
            source.Length > 0 && source.Length % dim == 0,
            $"{sourceName} has {source.Length} elements; it must be one or more whole rows of {dim} features.");
        Require(
            source.Length == target.Length,
            $"{targetName} has {target.Length} elements and {sourceName} {source.Length}; they must be alike.");
        Require(
            !source.Span.Overlaps(target.Span, out int offset) || offset == 0,
            $"{targetName} overlaps {sourceName} by a part; it must be the same memory or memory apart.");
        int bad = IndexOfNonFinite(source.Span);
        if (bad >= 0)
        {
            throw new InvalidRequestException(
                $"{sourceName} is {source.Span[bad]} at row {bad / dim}, feature {bad % dim}. Nothing was computed; leave the row out, or look for where it began.");
        }
    }

    private static int IndexOfNonFinite(ReadOnlySpan<float> values)
    {
        // A number is finite unless every bit of its exponent is set.
        const int exponent = 0x7F800000;
        ReadOnlySpan<int> bits = MemoryMarshal.Cast<float, int>(values);
        for (int i = 0; i < bits.Length; i++)
        {
            if ((bits[i] & exponent) == exponent)
            {
                return i;
            }
        }

        return -1;
    }

    private static void Require(bool condition, string otherwise)
    {
        if (!condition)
        {
            throw new InvalidRequestException(otherwise);
        }
    }
}
