using System.Diagnostics;
using MoEActors.Grains.Cluster;
using MoEActors.Grains.Durability;
using MoEActors.Grains.Interfaces.Errors;
using MoEActors.Grains.Interfaces.Training;
using MoEActors.Grains.Telemetry;
using MoEActors.Modules.Checkpoints;

namespace MoEActors.Grains.Training;

/// <summary>Work of the whole cluster that changes nothing: evaluation, generation, passes of a layer, checkpoints, hashes.</summary>
internal sealed class ClusterWork(
    Members members, CoordinatorTerm term, MemoryAdmission memory, ParallelismControl parallelism, RunConfiguration run, IFileStore files, CheckpointPlaces places,
    string model, RunEvents events)
{
    private readonly LayerWork _layer = new(members, term, memory, parallelism, model);

    /// <summary>Runs a request in the open view.</summary>
    /// <exception cref="ViewFailedException">A member failed.</exception>
    public async Task<WorkOutcome> RunAsync(WorkRequest request) => request switch
    {
        EvaluateRequest evaluate => await EvaluateAsync(evaluate),
        GenerateRequest generate => await GenerateAsync(generate),
        SaveRequest save => await events.TraceAsync("moe.checkpoint.save", term.Record.Step, () => SaveAsync(save)),
        ForwardRequest forward => await _layer.ForwardAsync(forward),
        BackwardRequest backward => await _layer.BackwardAsync(backward),
        FingerprintRequest => await FingerprintAsync(),
        _ => throw new InvalidRequestException($"The coordinator does not know the work {request.GetType().Name}."),
    };

    private async Task<EvaluationOutcome> EvaluateAsync(EvaluateRequest request)
    {
        await memory.RequireEvaluationAsync(request.Batches);
        IReadOnlyList<EvaluateReport> reports =
            await members.RunAsync(silo => new EvaluateCommand(request.Batches.Length, members.OfSilo(request.Batches, silo)));
        long tokens = request.Batches.Sum(batch => batch.Targets.LongCount(target => target >= 0));
        double sum = reports.SelectMany(report => report.Losses).OrderBy(loss => loss.Index).Sum(loss => loss.CrossEntropySum);
        return new EvaluationOutcome(sum / Math.Max(1, tokens), tokens);
    }

    private async Task<GenerationOutcome> GenerateAsync(GenerateRequest request)
    {
        IReadOnlyList<GenerateReport> reports =
            await members.RunAsync(new GenerateCommand(request.Prompt, request.Count, request.Temperature, request.Seed));
        if (reports[0].Error is { } error)
        {
            throw new NonFiniteOutputException(
                $"Model '{model}' cannot go on with the text: {error} Some of its parameters are not finite or too large; restore a checkpoint that was sound.");
        }

        return new GenerationOutcome(reports[0].Tokens);
    }

    private async Task<SaveOutcome> SaveAsync(SaveRequest request)
    {
        long started = Stopwatch.GetTimestamp();
        try
        {
            SaveOutcome saved = await SaveAloneAsync(request);
            events.CheckpointWritten(saved, Stopwatch.GetElapsedTime(started));
            return saved;
        }
        catch (CheckpointFailedException e)
        {
            events.CheckpointFailed(e, Stopwatch.GetElapsedTime(started));
            throw;
        }
    }

    private async Task<SaveOutcome> SaveAloneAsync(SaveRequest request)
    {
        string folder = Folder(request.Place);
        using CheckpointSave save = Begin(folder, request.Overwrite);
        IReadOnlyList<SaveReport> reports = await members.RunAsync(new SaveCommand(request.Place, save.Tag));
        if (reports.FirstOrDefault(report => report.Error is not null) is { Error: { } error })
        {
            throw NotWritten(folder, error);
        }

        CheckpointFile[] written = [.. reports.SelectMany(report => report.Files)];
        try
        {
            save.Complete(run, term.Record.Step, request.Cursor, term.Record.Gates, parallelism.Saved?.ToJson(), written);
        }
        catch (CheckpointException e)
        {
            throw NotWritten(folder, e.Message);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw NotWritten(folder, $"the index cannot be written to '{folder}': {e.Message}");
        }

        return new SaveOutcome(folder, written.Sum(file => file.Bytes));
    }

    private string Folder(string place)
    {
        try
        {
            return places.Resolve(place);
        }
        catch (CheckpointException e)
        {
            throw new CheckpointFailedException(e.Message);
        }
    }

    private CheckpointSave Begin(string folder, bool overwrite)
    {
        try
        {
            DurableFolder.Make(folder);
            return CheckpointSave.Begin(files, folder, run.Model, overwrite);
        }
        catch (CheckpointException e)
        {
            throw new CheckpointFailedException($"The checkpoint of model '{model}' at step {term.Record.Step} was not written: {e.Message}");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw NotWritten(folder, $"another save into '{folder}' is at work, or it cannot be written to: {e.Message}");
        }
    }

    private CheckpointFailedException NotWritten(string folder, string cause)
    {
        string older = File.Exists(Path.Combine(folder, CheckpointFolder.IndexFile)) ? " An older one in that folder is still whole." : "";
        return new CheckpointFailedException(
            $"The checkpoint of model '{model}' at step {term.Record.Step} was not written: {cause.TrimEnd('.')}.{older}");
    }

    private async Task<FingerprintOutcome> FingerprintAsync()
    {
        IReadOnlyList<FingerprintReport> reports = await members.RunAsync(new FingerprintCommand());
        return new FingerprintOutcome(ParameterHash.Combine(model, reports), term.Record.Step);
    }
}
