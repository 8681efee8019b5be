using System.Globalization;
using MoEActors.Cli.Configuration;
using MoEActors.Cli.Dashboards;
using MoEActors.Cli.Runs;
using MoEActors.Client.Connections;
using MoEActors.Grains.Interfaces.Director;
using MoEActors.Silo.Hosting;

namespace MoEActors.Cli.Training;

/// <summary>What to train, on what, for how long, and where to leave it.</summary>
internal sealed record TrainingJob
{
    public required string Name { get; init; }

    /// <summary>Name of the model: the run's, with a dash for what a folder may be called and a model may not.</summary>
    public string ModelName => ModelNameOf(Name);

    public required TextSource Text { get; init; }

    /// <summary>Model and optimizer; unless <see cref="ScheduleIsSet"/>, the length of the schedule is set when it is known.</summary>
    public required RunConfiguration Run { get; init; }

    /// <summary>Whether <see cref="Run"/> says how long the schedule is, which may be longer than this job.</summary>
    public bool ScheduleIsSet { get; init; }

    /// <summary>The run to go on with, from the checkpoint in <see cref="Folder"/> or as a cluster has it; null to begin one.</summary>
    public ResumePoint? Resume { get; init; }

    /// <summary>Where experts were in the run that goes on; null for where runs begin.</summary>
    public RunPlacement? Placement { get; init; }

    /// <summary>Sequences per step, of all micro-batches together.</summary>
    public required int Sequences { get; init; }

    /// <summary>Number of silos: those to start in this process, or those of the cluster that was connected to.</summary>
    public required int Silos { get; init; }

    /// <summary>What silos in this process compute on.</summary>
    public string Device { get; init; } = DeviceChoice.Cpu;

    /// <summary>The cluster to train on; null for silos in this process.</summary>
    public ConnectOptions? Connect { get; init; }

    /// <summary>Exact number of steps, those of the checkpoint included; null to train for <see cref="Time"/>.</summary>
    public int? Steps { get; init; }

    /// <summary>Training time when <see cref="Steps"/> is null or <see cref="ScheduleIsSet"/>; the greatest value for no limit.</summary>
    public required TimeSpan Time { get; init; }

    /// <summary>Most steps when <see cref="Steps"/> is null; null for no limit.</summary>
    public int? MostSteps { get; init; }

    /// <summary>Seed of windows and of the sample.</summary>
    public required long Seed { get; init; }

    /// <summary>Steps between two checkpoints; 0 for one at the end.</summary>
    public int SaveEvery { get; init; }

    /// <summary>Checkpoints that the run keeps; more than one are in folders of their own.</summary>
    public int Keep { get; init; } = 1;

    /// <summary>Steps between two evaluations; 0 for one at the end.</summary>
    public int EvalEvery { get; init; }

    /// <summary>Evaluations without a new best one after which the run ends; 0 to go on whatever they say.</summary>
    public int Patience { get; init; }

    /// <summary>The least number of tokens that an evaluation predicts, where there are as many.</summary>
    public int MeasuredTokens { get; init; } = ValidationText.Enough;

    /// <summary>Where the dashboard is served meanwhile.</summary>
    public DashboardChoice Dashboard { get; init; } = DashboardChoice.Off;

    public required RunFolder Folder { get; init; }

    /// <summary>Whether the busiest silo's busiest expert moves to the idlest silo half-way, to show that nothing stops or changes.</summary>
    public bool MovesBusyExpert { get; init; }

    /// <summary>How the placement follows the load; null to leave it alone.</summary>
    public DirectorSettings? Director { get; init; }

    /// <summary>What travels in its layers; null for what does already.</summary>
    public TravelChoice? Travel { get; init; }

    /// <summary>Whether the text changes its subject half-way: first half of it, then second half.</summary>
    public bool ChangesSubject { get; init; }

    /// <summary>The step after which a run that goes on changed, or will change, its subject; null for none.</summary>
    public long? TurnsAfter { get; init; }

    /// <summary>Name of the model of a run.</summary>
    public static string ModelNameOf(string run) => string.Concat(run.Select(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.' ? c : '-'));

    /// <summary>What the run needs to go on later.</summary>
    /// <param name="goal">The step that it ends with.</param>
    /// <param name="model">What tells its model from every other.</param>
    public RunFile Record(long goal, Guid model) => new(
        Id: Resume?.RunId ?? Guid.NewGuid().ToString("n", CultureInfo.InvariantCulture),
        Name: Name,
        Text: Text.Paths,
        TextHash: Text.Hash,
        Seed: Seed,
        Batch: Sequences,
        Silos: Silos,
        Steps: goal,
        SaveEvery: SaveEvery,
        Prompt: Prompt,
        Director: Director is not null,
        TurnsAfter: TurnsAfter ?? (ChangesSubject ? goal / 2 : null),
        Keep: Keep,
        EvalEvery: EvalEvery,
        Patience: Patience,
        Model: Connect is null ? null : model,
        Reading: Text.Reading == TextReading.Plain ? null : Text.Reading);

    /// <summary>A folder as silos are told it: those of other processes have a current folder of their own.</summary>
    public string PlaceOf(string folder) => Connect is null ? folder : System.IO.Path.GetFullPath(folder);

    /// <summary>What the sample of generated text begins with.</summary>
    public required string Prompt { get; init; }
}

/// <summary>Where a run goes on.</summary>
/// <param name="RunId">The run's identity.</param>
/// <param name="Step">Steps that are done.</param>
/// <param name="Model">The run's model, which is in the cluster that the job is for; null where it is made from the checkpoint.</param>
internal sealed record ResumePoint(string RunId, long Step, Guid? Model = null);
