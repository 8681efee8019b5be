using System.Diagnostics;
using MoEActors.Cli.Runs;
using MoEActors.Client;
using MoEActors.Client.History;
using MoEActors.Grains.Interfaces.Director;
using MoEActors.Grains.Interfaces.Training;

namespace MoEActors.Cli.Training;

/// <summary>Follows what the director does: asks after every step in which shards moved, and otherwise once a second.</summary>
internal sealed class DirectorNews(MoEModel model, TrainingMeter meter, IRunLogger history)
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    /// <summary>Decisions on layers below this balance ratio are not worth a note.</summary>
    private const double Notable = 1.08;

    private readonly HashSet<long> _noted = [];
    private long _asked;

    /// <summary>A step has been committed.</summary>
    public async Task FollowAsync(StepOutcome step)
    {
        if (step.ShardsMoved > 0 || _asked == 0 || Stopwatch.GetElapsedTime(_asked) >= Interval)
        {
            await AskAsync();
        }
    }

    /// <summary>Updates the placement, and notes the decisions that have been carried out or abandoned since.</summary>
    public async Task AskAsync()
    {
        _asked = Stopwatch.GetTimestamp();
        DirectorStatus director = await model.GetDirectorAsync(CancellationToken.None);
        TrainingStatus status = await model.GetStatusAsync(CancellationToken.None);
        if (meter.Follow(status, director) is { } moved)
        {
            history.Log(moved);
        }

        foreach (DirectorDecision decision in director.Decisions.Where(one => one.State != DecisionState.Applying && _noted.Add(one.Number)))
        {
            // The history has all of it; a note is a short line.
            history.Log(new DecisionEvent { Step = meter.Step, Decision = decision, Silos = status.SiloNames });
            if (decision.Layers.Any(layer => layer.RatioBefore >= Notable))
            {
                meter.Note(DecisionReport.Of(decision, status.SiloNames));
            }
        }
    }
}
