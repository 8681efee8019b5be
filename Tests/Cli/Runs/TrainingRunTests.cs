using MoEActors.Cli;
using MoEActors.Cli.Progress;
using MoEActors.Cli.Runs;
using MoEActors.Cli.Training;
using MoEActors.Client;
using MoEActors.Modules.Checkpoints;
using MoEActors.Modules.Models;
using MoEActors.Modules.Optimizers;
using MoEActors.Silo.Embedded;
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
        var run = new RunConfiguration
        {
            Model = new ModelConfiguration { Dim = 16, Heads = 2, KeyValueHeads = 1, Hidden = 16, Experts = [4], MaximumSequence = 16 },
            Optimizer = new OptimizerOptions { TotalSteps = 5 },
            MicroBatches = 2,
        };
        RunFolder folder = _runs.Folder("run");
        TrainingJob job = new()
        {
            Name = "run",
            Text = TextSource.Read([_runs.Text], new CommandOutput(TextWriter.Null, TextWriter.Null, Verbose: false)),
            Run = run,
            ScheduleIsSet = true,
            Sequences = 2,
            Silos = 1,
            Steps = 5,
            Time = TimeSpan.MaxValue,
            SaveEvery = 2,
            Seed = 1,
            Folder = folder,
            Prompt = "The ",
        };
        await using EmbeddedCluster cluster = await EmbeddedCluster.StartAsync(new EmbeddedClusterOptions { Silos = 1 }, Cancellation);
        MoEModel model = await cluster.Client.CreateModelAsync("run", run, cancellationToken: Cancellation);
        using var time = new ManualTime();
        var keeper = new StatusKeeper(folder, Status(), time, TextWriter.Null);
        var meter = new TrainingMeter(await model.GetStatusAsync(Cancellation), 5);
        var view = new CheckpointView(folder);
        await new TrainingRun(job, model, meter, keeper, 5).TrainAsync(view, Cancellation);
        Assert.Equal([0L, 0, 2, 2, 4], view.StepsOnDisk);
        Assert.Equal(5, CheckpointFolder.Open(folder.Checkpoint).Step);

        // The clock stands still: after the first step, only checkpoints wrote the status.
        Assert.Equal([0L, 1, 2, 2, 4], view.StepsInStatus);
        Assert.Equal((5L, 5L), (folder.ReadStatus()!.Step, folder.ReadStatus()!.CheckpointStep!.Value));
    }

    private static RunStatus Status() => new()
    {
        Name = "run",
        State = RunState.Running,
        Step = 0,
        Steps = 5,
        Runtime = EmbeddedSilos.RuntimeName,
        Silos = 1,
        Process = Environment.ProcessId,
        Machine = Environment.MachineName,
        UpdatedAt = DateTimeOffset.UnixEpoch,
    };

    /// <summary>Looks at the folder when a step is reported.</summary>
    private sealed class CheckpointView(RunFolder folder) : ITrainingView
    {
        public List<long> StepsOnDisk { get; } = [];

        public List<long> StepsInStatus { get; } = [];

        public void Report(TrainingProgress progress)
        {
            StepsOnDisk.Add(Directory.Exists(folder.Checkpoint) ? CheckpointFolder.Open(folder.Checkpoint).Step : 0);
            StepsInStatus.Add(folder.ReadStatus()?.Step ?? 0);
        }

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
