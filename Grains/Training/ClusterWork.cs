using MoEActors.Grains.Interfaces.Errors;
using MoEActors.Grains.Interfaces.Training;
using MoEActors.Grains.Interfaces.Workers;
using MoEActors.Grains.Memory;
using MoEActors.Modules.Checkpoints;
using MoEActors.Modules.Models;

namespace MoEActors.Grains.Training;

/// <summary>Work of the whole cluster that changes nothing: evaluation, generation, passes of a layer, checkpoints, hashes.</summary>
internal sealed class ClusterWork(Members members, Reign reign, MemoryCheck memory, RunConfiguration run, IFileStore files, string model)
{
    private readonly LayerWork _layer = new(members, reign, memory, model);

    /// <summary>Runs a request in the open epoch.</summary>
    /// <exception cref="EpochFailedException">A member failed.</exception>
    public async Task<WorkOutcome> RunAsync(WorkRequest request) => request switch
    {
        EvaluateRequest evaluate => await EvaluateAsync(evaluate),
        GenerateRequest generate => await GenerateAsync(generate),
        SaveRequest save => await SaveAsync(save),
        ForwardRequest forward => await _layer.ForwardAsync(forward),
        BackwardRequest backward => await _layer.BackwardAsync(backward),
        FingerprintRequest => await FingerprintAsync(),
        _ => throw new InvalidRequestException($"The coordinator does not know the work {request.GetType().Name}."),
    };

    private async Task<EvaluationOutcome> EvaluateAsync(EvaluateRequest request)
    {
        await memory.RequireEvaluationAsync(request.Batches);
        IReadOnlyList<WorkerReport> reports = await members.RunAsync(silo => new EvaluateOrder
        {
            MicroBatches = request.Batches.Length,
            Batches = members.OfSilo(request.Batches, silo),
        });
        long tokens = request.Batches.Sum(batch => batch.Targets.LongCount(target => target >= 0));
        double sum = reports.SelectMany(report => report.Losses).OrderBy(loss => loss.Index).Sum(loss => loss.CrossEntropySum);
        return new EvaluationOutcome { Loss = sum / Math.Max(1, tokens), Tokens = tokens };
    }

    private async Task<GenerationOutcome> GenerateAsync(GenerateRequest request)
    {
        IReadOnlyList<WorkerReport> reports = await members.RunAsync(new GenerateOrder
        {
            Prompt = request.Prompt,
            Count = request.Count,
            Temperature = request.Temperature,
            Seed = request.Seed,
        });
        if (reports[0].Complaint is { } complaint)
        {
            throw new NonFiniteOutputException(
                $"Model '{model}' cannot go on with the text: {complaint} Some of its parameters are not finite or too large; restore a checkpoint that was sound.");
        }

        return new GenerationOutcome { Tokens = reports[0].Tokens };
    }

    private async Task<SaveOutcome> SaveAsync(SaveRequest request)
    {
        using FolderLock alone = Take(request.Folder);

        // What an earlier save left when it was killed may be the room that this one needs.
        CheckpointFolder.Tidy(files, request.Folder);
        try
        {
            return await WriteAsync(request);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw NotWritten(request.Folder, $"the index cannot be written to '{request.Folder}': {e.Message}");
        }
        finally
        {
            CheckpointFolder.Tidy(files, request.Folder);
        }
    }

    private FolderLock Take(string folder)
    {
        try
        {
            return CheckpointFolder.Lock(folder);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw NotWritten(folder, $"another save into '{folder}' is at work, or it cannot be written to: {e.Message}");
        }
    }

    private async Task<SaveOutcome> WriteAsync(SaveRequest request)
    {
        string tag = Guid.NewGuid().ToString("n")[..8];
        IReadOnlyList<WorkerReport> reports = await members.RunAsync(new SaveOrder
        {
            Folder = request.Folder,
            Tag = tag,
        });
        if (reports.FirstOrDefault(report => report.Complaint is not null) is { Complaint: { } complaint })
        {
            throw NotWritten(request.Folder, complaint);
        }

        BlockReport[] blocks = [.. reports.SelectMany(report => report.Blocks)];
        CheckpointFolder.Write(
            files, request.Folder, run, reign.Record.Step, request.Cursor, [.. reign.Record.Gates.Select(gate => gate.ToPolicy())],
            [.. blocks.Select(block => new CheckpointFile(block.File, block.Tensors, block.Bytes))]);
        return new SaveOutcome { Folder = request.Folder, Bytes = blocks.Sum(block => block.Bytes) };
    }

    private CheckpointFailedException NotWritten(string folder, string cause)
    {
        string older = File.Exists(Path.Combine(folder, CheckpointFolder.IndexFile)) ? " An older one in that folder is still whole." : "";
        return new CheckpointFailedException(
            $"The checkpoint of model '{model}' at step {reign.Record.Step} was not written: {cause.TrimEnd('.')}.{older}");
    }

    private async Task<FingerprintOutcome> FingerprintAsync()
    {
        IReadOnlyList<WorkerReport> reports = await members.RunAsync(new FingerprintOrder());
        return new FingerprintOutcome { Hash = ParameterHash.Combine(model, reports), Step = reign.Record.Step };
    }
}
