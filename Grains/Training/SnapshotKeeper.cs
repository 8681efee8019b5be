using System.Diagnostics;
using System.Globalization;
using MoEActors.Grains.Cluster;
using MoEActors.Grains.Durability;
using MoEActors.Grains.Interfaces.Errors;
using MoEActors.Grains.Telemetry;
using MoEActors.Modules.Checkpoints;
using MoEActors.Modules.Gates;

namespace MoEActors.Grains.Training;

/// <summary>When and where snapshots are taken.</summary>
/// <param name="Interval">Steps from one to the next; 0 for none: then what a silo takes with it is lost.</param>
/// <param name="Place">Where they are, as <see cref="CheckpointPlaces"/> has it; every silo must reach it.</param>
public sealed record SnapshotOptions(int Interval, string Place);

/// <summary>
/// Takes snapshots of a run every so many steps, beside the steps: members copy their state between two of them and write the copies while training goes
/// on; their parts come with the reports of later steps; the index, which has the hashes of everything, seals it; the next decision records it, and
/// only then batches before the older of the last two are forgotten. A snapshot is a checkpoint, of two folders in turn, which no other term writes to: a
/// coordinator that was replaced may still be at work in its own.
/// </summary>
internal sealed class SnapshotKeeper(
    Members members, CoordinatorTerm term, IRunStore store, RunConfiguration run, IFileStore files, CheckpointPlaces places, SnapshotOptions options,
    string model, RunEvents events)
{
    /// <summary>The last ones are kept: if one turns out to be damaged, there is another.</summary>
    private const int Kept = 2;

    /// <summary>How long the index of a snapshot whose parts are all there may take to come to disk before another one is given up that is wanted at once.</summary>
    private static readonly TimeSpan SealPatience = TimeSpan.FromSeconds(30);

    private readonly List<string> _obsolete = [];
    private PendingSnapshot? _pending;
    private SnapshotMark? _sealed;
    private Task _trimming = Task.CompletedTask;
    private long _trimmed = term.Record.LoggedFrom;
    private long _last = term.Record.Step;

    /// <summary>Whether snapshots are taken.</summary>
    public bool IsOn => options.Interval > 0 && !term.Record.InferenceOnly;

    /// <summary>What a new view can start from: the last snapshot, or the checkpoint or the seed that the run began with.</summary>
    public SnapshotMark Newest => term.Record.Snapshots is [.., var last] ? last : new SnapshotMark(term.Record.CheckpointStep, term.Record.Checkpoint);

    /// <summary>Whether members' copies of a step can be read from where a new view can start.</summary>
    public bool IsCurrent => Newest.Step == term.Record.Step;

    /// <summary>The record with what has been sealed since it was written.</summary>
    public RunRecord With(RunRecord record)
    {
        if (_sealed is not { } mark)
        {
            // Without snapshots nothing could be learnt again: there is nothing to begin from.
            return IsOn ? record : record with { LoggedFrom = record.Step };
        }

        _sealed = null;
        if (term.HasForgetfulStore || !IsOn)
        {
            // Only what was logged since is sure to be there.
            term.HasForgetfulStore = false;
            return record with { Snapshots = [mark], LoggedFrom = mark.Step };
        }

        SnapshotMark[] kept = [.. record.Snapshots.Append(mark).TakeLast(Kept)];
        return record with { Snapshots = kept, LoggedFrom = kept.Length == Kept ? kept[0].Step : record.LoggedFrom };
    }

    /// <summary>
    /// Forgets the batches that no snapshot needs any more, and snapshots of earlier terms, once the record says so. Nothing waits for it: what cannot be forgotten
    /// now is forgotten with the next trim.
    /// </summary>
    /// <param name="before">The record as it was before.</param>
    public void Trim(RunRecord before)
    {
        _obsolete.AddRange(before.Snapshots.Except(term.Record.Snapshots).Select(mark => mark.Place!).Where(place => place != PlaceOf(0) && place != PlaceOf(1)));
        if (_trimming.IsCompleted && (term.Record.LoggedFrom > _trimmed || _obsolete.Count > 0))
        {
            _trimming = TrimAsync();
        }
    }

    /// <summary>A step has been decided and its commit is on its way: when it is time, members copy what it makes before the next step begins.</summary>
    public void Committed(long step)
    {
        if (IsOn && members.Map is not null && _pending is null && _sealed is null && (step - _last >= options.Interval || term.HasForgetfulStore) && TryBegin(step) is { } begun)
        {
            members.Post(begun.Command);
        }
    }

    /// <summary>Takes the parts of a snapshot that came with the reports of a step.</summary>
    public void Collect(IEnumerable<(int Rank, SnapshotPart? Part)> parts)
    {
        if (_pending is not { Sealing: null } pending)
        {
            return;
        }

        if (pending.Leavings != members.Leavings)
        {
            // It may never have been begun everywhere.
            Abandon(pending, "the view that it belonged to has ended");
            return;
        }

        if (pending.Add(parts))
        {
            pending.Sealing = SealAsync(pending);
        }
    }

    /// <summary>Takes a snapshot of the last step now, unless there is one, and waits for it.</summary>
    /// <exception cref="CheckpointFailedException">It cannot be written.</exception>
    /// <exception cref="ViewFailedException">A member failed.</exception>
    public async Task TakeAsync()
    {
        if (IsCurrent)
        {
            return;
        }

        await FinishSealingAsync();
        if (_sealed is not null)
        {
            // Written down before the next one is begun, which would else be written over it.
            await RecordAsync();
            if (IsCurrent)
            {
                return;
            }
        }

        if (_pending is { } older)
        {
            // Its parts are still being written, and nobody waits for them.
            Abandon(older, "another one is wanted at once");
        }

        PendingSnapshot pending = TryBegin(term.Record.Step)
            ?? throw new CheckpointFailedException($"No snapshot of model '{model}' at step {term.Record.Step} can be taken; the log says why.");
        await members.RunAsync(pending.Command);
        IReadOnlyList<SnapshotReport> reports = await members.RunAsync(new FinishSnapshotCommand(pending.Command.Tag));
        pending.Add(reports.Select(report => (report.Rank, report.Part)));
        await (pending.Sealing = SealAsync(pending));
        if (_sealed is null)
        {
            throw new CheckpointFailedException($"The snapshot of model '{model}' at step {term.Record.Step} was not written; the log says why.");
        }

        await RecordAsync();
    }

    /// <summary>Deletes the run's snapshots: it is no more.</summary>
    public async Task DeleteAsync()
    {
        await Task.WhenAny(Task.WhenAll(_trimming, _pending?.Sealing ?? Task.CompletedTask), Task.Delay(SealPatience));
        _pending?.Save.Dispose();
        _pending = null;
        string all = places.Resolve(Folder);
        foreach (string folder in Directory.Exists(all) ? Directory.GetDirectories(all) : [])
        {
            TryRemove(folder);
        }
    }

    private async Task RecordAsync()
    {
        RunRecord before = term.Record;
        await term.WriteAsync(With(before));
        Trim(before);
    }

    /// <summary>Waits for the index of a snapshot whose parts are all there.</summary>
    /// <exception cref="CheckpointFailedException">It takes too long.</exception>
    private async Task FinishSealingAsync()
    {
        if (_pending is { Sealing: { } sealing } pending && await Task.WhenAny(sealing, Task.Delay(SealPatience)) != sealing)
        {
            throw new CheckpointFailedException(
                $"The snapshot of model '{model}' at step {pending.Command.Step} is still being written after {SealPatience.TotalSeconds:0} s; there can be no other until it is done.");
        }
    }

    private async Task TrimAsync()
    {
        long through = term.Record.LoggedFrom;
        try
        {
            if (through > _trimmed)
            {
                await store.TrimBatchesAsync(model, _trimmed + 1, through);
                _trimmed = through;
            }

            string[] obsolete = [.. _obsolete];
            await Task.Run(() => Array.ForEach(obsolete, place => TryRemove(places.Resolve(place))));
            _obsolete.RemoveAll(obsolete.Contains);
        }
        catch (Exception e)
        {
            events.TrimFailed(through, e);
        }
    }

    /// <summary>Deletes a snapshot, and the folder of all of them with the last one.</summary>
    private void TryRemove(string folder)
    {
        try
        {
            CheckpointRemoval.Remove(files, folder);
            if (Path.GetDirectoryName(folder) is { } all && Directory.Exists(all) && !Directory.EnumerateFileSystemEntries(all).Any())
            {
                Directory.Delete(all);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // What is left is of no use to anybody, and in nobody's way.
            events.SnapshotFailed(term.Record.Step, $"an older one cannot be deleted: {e.Message}");
        }
    }

    private PendingSnapshot? TryBegin(long step)
    {
        _last = step;

        // Never over the newest one: until this one is complete, there is no other.
        string place = PlaceOf(term.Record.Snapshots is [.., var last] && last.Place == PlaceOf(0) ? 1 : 0);
        try
        {
            string folder = places.Resolve(place);
            DurableFolder.Make(folder);
            var save = CheckpointSave.Begin(files, folder, run.Model, overwrite: true);
            return _pending = new PendingSnapshot(new SnapshotCommand(step, place, save.Tag, Newest.Tag), save, members.Map!.Workers.Length, members.Leavings, term.Record.Gates);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or CheckpointException)
        {
            events.SnapshotFailed(step, e.Message);
            return null;
        }
    }

    private string Folder => $"{options.Place.TrimEnd('/')}/{model}-{term.Record.Run.ToString("n")[..8]}";

    private string PlaceOf(int turn) => string.Create(CultureInfo.InvariantCulture, $"{Folder}/{term.Number}-{turn}");

    private async Task SealAsync(PendingSnapshot pending)
    {
        long step = pending.Command.Step;
        if (pending.Error is { } error)
        {
            Abandon(pending, error);
            return;
        }

        try
        {
            await Task.Run(() =>
            {
                using CheckpointSave save = pending.Save;
                save.Complete(run, step, cursor: "", pending.Gates, parallelism: null, pending.Files);
            });
            _sealed = new SnapshotMark(step, pending.Command.Place, pending.Command.Tag);
            events.SnapshotSealed(step, pending.Files.Sum(file => file.Bytes), Stopwatch.GetElapsedTime(pending.Begun));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or CheckpointException)
        {
            events.SnapshotFailed(step, e.Message);
        }
        finally
        {
            _pending = null;
        }
    }

    private void Abandon(PendingSnapshot pending, string reason)
    {
        _pending = null;
        pending.Save.Dispose();
        events.SnapshotFailed(pending.Command.Step, reason);
    }

    /// <summary>A snapshot that members are writing.</summary>
    private sealed class PendingSnapshot(SnapshotCommand command, CheckpointSave save, int workers, int leavings, GatePolicy[] gates)
    {
        private readonly Dictionary<int, SnapshotPart> _parts = [];
        private bool _isWhole;

        public SnapshotCommand Command => command;

        public CheckpointSave Save => save;

        public int Leavings => leavings;

        public GatePolicy[] Gates => gates;

        public long Begun { get; } = Stopwatch.GetTimestamp();

        /// <summary>Ends when the index has been written, well or not; null while parts are missing.</summary>
        public Task? Sealing { get; set; }

        public CheckpointFile[] Files => [.. _parts.OrderBy(part => part.Key).SelectMany(part => part.Value.Files)];

        public string? Error => _parts.Count < workers ? "a member has no part of it" : _parts.Values.Select(part => part.Error).FirstOrDefault(error => error is not null);

        /// <summary>Adds parts; true when these were the last ones.</summary>
        public bool Add(IEnumerable<(int Rank, SnapshotPart? Part)> parts)
        {
            foreach ((int rank, SnapshotPart? part) in parts)
            {
                if (part?.Tag == command.Tag)
                {
                    _parts[rank] = part;
                }
            }

            bool isLast = !_isWhole && _parts.Count == workers;
            _isWhole |= isLast;
            return isLast;
        }
    }
}
