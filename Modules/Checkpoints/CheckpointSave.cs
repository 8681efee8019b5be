using System.Text;
using System.Text.Json;
using MoEActors.Modules.Gates;
using MoEActors.Modules.Models;

namespace MoEActors.Modules.Checkpoints;

/// <summary>
/// One save into a folder, from the check whose folder it is to the last file that it made superfluous. Two at once would delete each other's files, so
/// a save has the folder alone. Dispose it, whether it was completed or not: what it has left is deleted, and the folder is free.
/// </summary>
public sealed class CheckpointSave : IDisposable
{
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };

    private readonly IFileStore _store;
    private readonly string _folder;
    private readonly FolderLock _alone;

    private CheckpointSave(IFileStore store, string folder, FolderLock alone)
    {
        _store = store;
        _folder = folder;
        _alone = alone;
    }

    /// <summary>Part of the names of all files of this save and of no other.</summary>
    public string Tag { get; } = CheckpointFileName.NewTag();

    /// <summary>Begins a save: takes the folder, which exists, and deletes what saves left in it that were killed, whose room this one may need.</summary>
    /// <param name="store">Where files are written.</param>
    /// <param name="folder">The folder.</param>
    /// <param name="model">The model.</param>
    /// <param name="overwrite">Whether to replace what another model or another program has there.</param>
    /// <exception cref="CheckpointException">What is there is not this model's.</exception>
    /// <exception cref="IOException">Another save is at work, or the folder cannot be written to.</exception>
    /// <exception cref="UnauthorizedAccessException">The folder cannot be written to.</exception>
    public static CheckpointSave Begin(IFileStore store, string folder, ModelConfiguration model, bool overwrite)
    {
        FolderLock alone = CheckpointFolder.Lock(folder);
        try
        {
            if (!overwrite)
            {
                RequireOwn(folder, model);
            }

            CheckpointFolder.Tidy(store, folder);
            return new CheckpointSave(store, folder, alone);
        }
        catch
        {
            alone.Dispose();
            throw;
        }
    }

    /// <summary>Throws when a save into a folder would replace what is not the model's: its index or its description.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="model">The model; null when any model of this program may be replaced.</param>
    /// <exception cref="CheckpointException">Saying what is there, and what to do.</exception>
    public static void RequireOwn(string folder, ModelConfiguration? model)
    {
        if (WhatElse(folder, model) is { } other)
        {
            throw new CheckpointException(
                $"'{folder}' has {other}. A save would replace its {CheckpointFolder.IndexFile} and {CheckpointFolder.ModelFile}: choose another folder, or allow it to overwrite.");
        }
    }

    /// <summary>Writes the model's description and the index, in this order: replacing the index is what makes a checkpoint the current one.</summary>
    /// <param name="run">The run.</param>
    /// <param name="step">Committed steps.</param>
    /// <param name="cursor">What the caller saves with it.</param>
    /// <param name="gates">Routing policies in force, where they are others than the run's.</param>
    /// <param name="parallelism">What travels in its layers, and what was learnt of it: a JSON object; null for nothing.</param>
    /// <param name="files">What all workers have written.</param>
    /// <exception cref="CheckpointException">Something of it is not in the folder: it is not the same one for all who have written.</exception>
    /// <exception cref="IOException">A file could not be written; an older checkpoint is still whole.</exception>
    public void Complete(RunConfiguration run, long step, string cursor, IReadOnlyList<GatePolicy> gates, string? parallelism, IReadOnlyList<CheckpointFile> files)
    {
        if (files.FirstOrDefault(file => !File.Exists(Path.Combine(_folder, file.Name))) is { } elsewhere)
        {
            throw new CheckpointException(
                $"'{elsewhere.Name}' was written by another silo and is not in '{_folder}' here: the place must be one folder that all silos reach, as one on a network's disk.");
        }

        if (run.Model.Backbone == Backbone.Decoder)
        {
            WriteText(CheckpointFolder.ModelFile, ModelDescription.Of(run.Model, gates).ToJsonString(Indented));
        }

        WriteText(CheckpointFolder.IndexFile, CheckpointIndex.Write(run, step, cursor, gates, parallelism, files));
    }

    /// <summary>Deletes what this save left if it failed, and what it replaced if not, and frees the folder.</summary>
    public void Dispose()
    {
        CheckpointFolder.Tidy(_store, _folder);
        _alone.Dispose();
    }

    /// <summary>What a folder has that is not the model's, in words; null when there is nothing.</summary>
    private static string? WhatElse(string folder, ModelConfiguration? model)
    {
        string index = Path.Combine(folder, CheckpointFolder.IndexFile), description = Path.Combine(folder, CheckpointFolder.ModelFile);
        try
        {
            if (File.Exists(index))
            {
                return CheckpointIndex.ModelOf(RegularFile.ReadText(index)) is not { } found ? "a checkpoint of another program"
                    : model is null || Text(found) == Text(model) ? null
                    : "the checkpoint of another model";
            }

            // Without an index it may be what a first save left that was killed.
            return !File.Exists(description) || ModelDescription.IsOurs(RegularFile.ReadText(description)) ? null : "a model of another program";
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or FormatException or ModelConfigurationException)
        {
            return $"a checkpoint that may be anybody's, as its index cannot be read ({e.Message.TrimEnd('.')})";
        }
    }

    private static string Text(ModelConfiguration model) => new RunConfiguration { Model = model }.ToJson();

    private void WriteText(string name, string text) =>
        _store.Write(Path.Combine(_folder, name), stream => stream.Write(Encoding.UTF8.GetBytes(text)));
}
