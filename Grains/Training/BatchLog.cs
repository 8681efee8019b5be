using System.Runtime.InteropServices;
using System.Security.Cryptography;
using MoEActors.Grains.Durability;
using MoEActors.Grains.Interfaces.Errors;
using MoEActors.Grains.Interfaces.Training;

namespace MoEActors.Grains.Training;

/// <summary>
/// The batches of the next steps, logged before anything runs, and the outcomes of the last ones: whoever submits a step again learns what became of
/// it. A step's number belongs to the first batch that asks for it, until the step is refused.
/// </summary>
internal sealed class BatchLog(IRunStore store, CoordinatorTerm term, string model)
{
    private long _logged = term.Record.Step;

    /// <summary>The last step that is logged. The inventory can have found one that members had committed and the record not.</summary>
    private long Last => Math.Max(_logged, term.Record.Step);

    /// <summary>Whether a step is beyond the next one.</summary>
    public bool IsBeyond(long step) => step > Last + 1;

    /// <summary>Logs a batch. One that is logged already stays.</summary>
    /// <exception cref="StepTakenException">The step was logged with another batch.</exception>
    /// <exception cref="StaleCommandException">The step is beyond the next one.</exception>
    public async Task AddAsync(StepRequest request)
    {
        if (request.Step <= term.Record.Step)
        {
            return;
        }

        if (request.Step <= _logged)
        {
            StepRequest? logged = await StoreOutage.RideOutAsync(() => store.ReadBatchAsync(model, request.Step));
            if (logged is not null && BatchDigest.Of(logged) != BatchDigest.Of(request))
            {
                throw new StepTakenException(model, request.Step);
            }

            return;
        }

        long last = Last;
        if (request.Step != last + 1)
        {
            throw new StaleCommandException(
                $"Step {request.Step} of model '{model}' is not the next one: {term.Record.Step} are committed and {last} logged. Open the model again to go on.");
        }

        await StoreOutage.RideOutAsync(async () =>
        {
            await store.WriteBatchAsync(model, request);
            return true;
        });
        _logged = request.Step;
    }

    /// <summary>The outcome of a logged step that is committed already; null for the one that is to run.</summary>
    /// <exception cref="StepTakenException">The step was committed with another batch.</exception>
    /// <exception cref="StaleCommandException">The step was committed long ago, or is beyond the next one.</exception>
    public StepOutcome? OutcomeOf(StepRequest request)
    {
        long committed = term.Record.Step;
        if (request.Step <= committed)
        {
            StepOutcome known = term.Record.LastOutcomes.FirstOrDefault(outcome => outcome.Step == request.Step)
                ?? throw new StaleCommandException(
                    $"Step {request.Step} of model '{model}' was committed long ago; {committed} are by now. Refresh the model.");
            return known.BatchDigest == BatchDigest.Of(request) ? known : throw new StepTakenException(model, request.Step);
        }

        return request.Step == committed + 1
            ? null
            : throw new StaleCommandException(
                $"Step {request.Step} of model '{model}' cannot run: {committed} are committed, and an earlier step was refused.");
    }

    /// <summary>A step was not applied; its number is free for its batch or another.</summary>
    public void Free(long step) => _logged = Math.Min(_logged, step - 1);
}

/// <summary>Tells batches apart: the first eight bytes of SHA-256 over their token ids and shapes, or the caller's passes in their place.</summary>
internal static class BatchDigest
{
    public static ulong Of(StepRequest request)
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(request.Forward.ToByteArray());
        for (int index = 0; index < request.Batches.Length; index++)
        {
            MicroBatch batch = request.Batches[index];
            ReadOnlySpan<int> shape = [index, batch.SequenceLength, batch.Inputs.Length];
            hash.AppendData(MemoryMarshal.AsBytes(shape));
            hash.AppendData(MemoryMarshal.AsBytes<int>(batch.Inputs));
            hash.AppendData(MemoryMarshal.AsBytes<int>(batch.Targets));
            if (batch.Documents is { } documents)
            {
                hash.AppendData("documents"u8);
                hash.AppendData(MemoryMarshal.AsBytes<int>(documents));
            }
        }

        return BitConverter.ToUInt64(hash.GetHashAndReset());
    }
}
