using Microsoft.Extensions.Time.Testing;
using MoEActors.Cli.Invocation;
using MoEActors.Cli.Progress;
using MoEActors.Cli.Runs;
using MoEActors.Cli.Training;
using MoEActors.Client;
using MoEActors.Client.History;
using MoEActors.Grains.Interfaces.Errors;
using MoEActors.Modules.Checkpoints;
using MoEActors.Modules.Models;
using MoEActors.Modules.Optimizers;
using MoEActors.Tests.Support;

namespace MoEActors.Tests.Cli.Runs;

/// <summary>What a run leaves behind while it works.</summary>
public sealed class TrainingRunTests : IDisposable
{
    private readonly RunsFolder _runs = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => _runs.Dispose();

    [Fact]
    public async Task Checkpoints_are_written_every_few_steps_and_at_the_end()
    {
        RunFolder folder = _runs.Folder("run");
        var view = new CheckpointView(folder);
        await TrainAsync(folder, view, new DiskFileStore());
        Assert.Equal([0L, 0, 2, 2, 4], view.StepsOnDisk);
        Assert.Equal(5, CheckpointFolder.Open(folder.Checkpoint).Step);

        // The clock stands still: after the first step, only checkpoints wrote the status.
        Assert.Equal([0L, 1, 2, 2, 4], view.StepsInStatus);
        Assert.Equal((5L, 5L), (folder.ReadStatus()!.Step, folder.ReadStatus()!.CheckpointStep!.Value));
    }

    [Fact]
    public async Task A_checkpoint_on_the_way_that_does_not_fit_on_the_disk_is_noted_and_the_next_one_tried()
    {
        RunFolder folder = _runs.Folder("run");
        var disk = new FullDiskFileStore();
        var view = new CheckpointView(folder) { OnStep = step => disk.Room = step == 4 ? 1000 : long.MaxValue };
        await TrainAsync(folder, view, disk);
        Assert.Equal([0L, 0, 2, 2, 2], view.StepsOnDisk);
        string note = Assert.Single(view.Notes);
        Assert.Matches("^step 4: The checkpoint of model 'run-[0-9]+' at step 4 was not written", note);
        Assert.Contains("No space left on device", note, StringComparison.Ordinal);
        Assert.EndsWith("Training goes on; the next save tries again.", note, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', note);
        Assert.Equal((5L, 5L), (CheckpointFolder.Open(folder.Checkpoint).Step, folder.ReadStatus()!.CheckpointStep!.Value));
    }

    [Fact]
    public async Task No_kept_checkpoint_goes_before_a_newer_one_is_complete()
    {
        RunFolder folder = _runs.Folder("run");
        var disk = new FullDiskFileStore();
        List<string> seen = [];
        var view = new CheckpointView(folder)
        {
            OnStep = step =>
            {
                disk.Room = step == 4 ? 1000 : long.MaxValue;
                seen.Add(string.Join(" ", folder.Kept().Select(one => one.Step)));
            },
        };
        await TrainAsync(folder, view, disk, keep: 2);
        Assert.Equal(["", "", "2", "2", "2"], seen);
        Assert.Equal([2L, 5], folder.Kept().Select(one => one.Step));
        Assert.All(folder.Kept(), one => CheckpointFolder.Open(one.Folder).RequireComplete());
        Assert.Equal(5, CheckpointFolder.Open(folder.Checkpoint).Step);

        // What the failed save left is gone too.
        Assert.Equal(2, Directory.GetDirectories(Path.Combine(folder.Path, "checkpoints")).Length);
    }

    [Fact]
    public async Task The_last_checkpoint_must_fit_and_the_one_before_it_stays()
    {
        RunFolder folder = _runs.Folder("run");
        var disk = new FullDiskFileStore();
        var view = new CheckpointView(folder) { OnStep = step => disk.Room = step == 5 ? 1000 : long.MaxValue };
        CheckpointFailedException failed = await Assert.ThrowsAsync<CheckpointFailedException>(() => TrainAsync(folder, view, disk));
        Assert.Contains("No space left on device", failed.Message, StringComparison.Ordinal);
        Assert.Equal((4L, 4L), (CheckpointFolder.Open(folder.Checkpoint).Step, folder.ReadStatus()!.CheckpointStep!.Value));
        Assert.Equal(folder.ReadRunFile()!.Id, CheckpointFolder.Open(folder.Checkpoint).Cursor);
    }

    [Fact]
    public async Task A_run_that_saves_nothing_leaves_an_earlier_run_of_its_name_to_be_resumed()
    {
        RunFolder folder = _runs.Folder("run");
        await TrainAsync(folder, new CheckpointView(folder), new DiskFileStore());
        string earlier = folder.ReadRunFile()!.Id;
        await Assert.ThrowsAsync<CheckpointFailedException>(() => TrainAsync(folder, new CheckpointView(folder), new FullDiskFileStore { Room = 0 }));
        Assert.Equal((earlier, earlier), (folder.ReadRunFile()!.Id, CheckpointFolder.Open(folder.Checkpoint).Cursor));
    }

    [Fact]
    public async Task A_second_run_in_the_same_folder_at_the_same_time_is_refused_before_it_writes_anything()
    {
        await CommandLineRun.Of(_runs.Train("run", "--steps 2"));
        string record = await File.ReadAllTextAsync(_runs.Folder("run").StatusFile, Cancellation);
        using (FolderLock.Take(_runs.Folder("run").Path, ".running"))
        {
            foreach (string[] second in new[] { _runs.Train("run", "--steps 3"), _runs.Resume("run", "--steps 3") })
            {
                CommandLineRun refused = await CommandLineRun.Of(second);
                Assert.Equal(ExitCode.WrongUsage, refused.ExitCode);
                Assert.Contains("Another run is at work in", refused.Error, StringComparison.Ordinal);
            }
        }

        Assert.Equal(record, await File.ReadAllTextAsync(_runs.Folder("run").StatusFile, Cancellation));
        Assert.Equal(ExitCode.Done, (await CommandLineRun.Of(_runs.Resume("run", "--steps 3"))).ExitCode);
        Assert.Empty(Directory.GetFiles(_runs.Path, ".*", SearchOption.AllDirectories));
    }

    [Fact]
    public async Task A_folder_that_cannot_be_is_refused_before_the_first_step()
    {
        CommandLineRun refused = await CommandLineRun.Of([.. _runs.Train("run", "--steps 2").Select(word => word == _runs.Path ? _runs.Text : word)]);
        Assert.Equal(ExitCode.WrongUsage, refused.ExitCode);
        Assert.Contains("cannot be made", refused.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("step 1", refused.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Everything_that_takes_time_besides_steps_is_announced()
    {
        CommandLineRun run = await CommandLineRun.Of(_runs.Train("run", "--seconds 0.01"));
        Assert.Equal(ExitCode.Done, run.ExitCode);
        string[] lines = run.Output.ReplaceLineEndings("\n").Split('\n');
        string[] phases =
        [
            "starting 2 silos ...", "making a model to time ...", "timing 14 steps to choose how many fit into 0 s ...", "making the model ...",
            "measuring for the director how fast the silos compute and copy ...", "taking the first step, which also compiles code ...",
        ];
        int first = Array.FindIndex(lines, line => line.StartsWith("step 1/", StringComparison.Ordinal));
        Assert.Equal(phases, lines[1..first].Where(line => !line.Contains(": ", StringComparison.Ordinal)));
        Assert.StartsWith("Text: ", lines[0], StringComparison.Ordinal);
        Assert.Equal(
            ["saving the checkpoint ...", "measuring the validation loss ...", "letting the model write ...", "stopping the silos ..."],
            lines[first..].Where(line => line.EndsWith(" ...", StringComparison.Ordinal)));
        Assert.Equal("", run.Error);
        Assert.Equal(50, _runs.Folder("run").ReadStatus()!.Steps);
    }

    private async Task TrainAsync(RunFolder folder, CheckpointView view, IFileStore disk, int keep = 1)
    {
        var run = new RunConfiguration
        {
            Model = new ModelConfiguration { Dim = 16, Heads = 2, KeyValueHeads = 1, Hidden = 16, Experts = [4], MaximumSequence = 16 },
            Optimizer = new OptimizerOptions { TotalSteps = 5 },
            MicroBatches = 2,
        };
        TrainingJob job = new()
        {
            Name = "run",
            Text = TextSource.Read([_runs.Text], reading: null, new CommandOutput(TextWriter.Null, TextWriter.Null, Verbose: false)),
            Run = run,
            ScheduleIsSet = true,
            Sequences = 2,
            Silos = 1,
            Steps = 5,
            Time = TimeSpan.MaxValue,
            SaveEvery = 2,
            Keep = keep,
            Seed = 1,
            Folder = folder,
            Prompt = "The ",
        };
        Directory.CreateDirectory(folder.Path);
        await using TrainingCluster cluster = await TrainingCluster.RentAsync(1);
        cluster.Disk.Instead = disk;
        MoEModel model = await cluster.Client.CreateModelAsync(cluster["run"], run, cancellationToken: Cancellation);
        var time = new FakeTimeProvider();
        await using var history = HistoryWriter.Open(folder.HistoryFile, after: 0);
        var keeper = new StatusKeeper(folder, Status(), time, _ => { });
        var meter = new TrainingMeter(await model.GetStatusAsync(Cancellation), 5, frequencyLoss: 3);
        var validation = new Validation(model, [], every: 0, patience: 0, meter, history);
        await new TrainingRun(job, job.Record(5, Guid.Empty), model, meter, keeper, validation, history, 5).TrainAsync(view, Cancellation);
    }

    private static RunStatus Status() => new()
    {
        Name = "run",
        State = RunState.Running,
        Step = 0,
        Steps = 5,
        Silos = 1,
        Process = Environment.ProcessId,
        Machine = Environment.MachineName,
        UpdatedAt = DateTimeOffset.UnixEpoch,
    };

    /// <summary>Looks at the folder when a step is reported.</summary>
    private sealed class CheckpointView(RunFolder folder) : ITrainingView
    {
        public void Announce(string line)
        {
        }

        public List<long> StepsOnDisk { get; } = [];

        public List<long> StepsInStatus { get; } = [];

        public Action<long>? OnStep { get; init; }

        public IReadOnlyList<string> Notes { get; private set; } = [];

        public void Report(TrainingProgress progress)
        {
            OnStep?.Invoke(progress.Step);
            Notes = [.. progress.Notes.Select(note => note.ToString())];
            StepsOnDisk.Add(Directory.Exists(folder.Checkpoint) ? CheckpointFolder.Open(folder.Checkpoint).Step : 0);
            StepsInStatus.Add(folder.ReadStatus()?.Step ?? 0);
        }

        public void Enter(string phase, string? detail = null)
        {
        }

        public void Remark(string text)
        {
        }

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
