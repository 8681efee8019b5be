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

    private readonly Dictionary<long, DirectorDecision> _told = [];
    private long _asked;

    /// <summary>A step has been committed.</summary>
    public async Task FollowAsync(StepOutcome step)
    {
        if (step.ShardsMoved > 0 || _asked == 0 || Stopwatch.GetElapsedTime(_asked) >= Interval)
        {
            await AskAsync();
        }
    }

    /// <summary>Updates the placement, notes the decisions that have been carried out or abandoned since, and tells what came of earlier ones.</summary>
    /// <param name="isLast">Whether nobody asks any more: what has been measured so far is all that there will be.</param>
    public async Task AskAsync(bool isLast = false)
    {
        _asked = Stopwatch.GetTimestamp();
        DirectorStatus director = await model.GetDirectorAsync(CancellationToken.None);
        TrainingStatus status = await model.GetStatusAsync(CancellationToken.None);
        if (meter.Follow(status, director) is { } moved)
        {
            history.Log(moved);
        }

        // The director of a run that was resumed is a new one, which counts from 1.
        DirectorDecision[] concluded =
            [.. director.Decisions.Where(one => one.State != DecisionState.Applying).Select(one => one with { Number = one.Number + meter.EarlierDecisions })];
        foreach (DirectorDecision decision in concluded)
        {
            // The history has all of it; a note is a short line.
            bool isNew = !_told.TryGetValue(decision.Number, out DirectorDecision? told);
            if (isNew || HasNews(told!, decision, isFinal: isLast || decision != concluded[^1]))
            {
                history.Log(new DecisionEvent { Step = meter.Step, Decision = decision, Silos = status.SiloNames });
                _told[decision.Number] = decision;
            }

            if (isNew && decision.Layers.Any(layer => layer.RatioBefore >= Notable))
            {
                meter.Note(DecisionReport.Of(decision, status.SiloNames));
            }
        }
    }

    /// <summary>Whether an effect is worth a line of the history: the first that was measured, and the last.</summary>
    private static bool HasNews(DirectorDecision told, DirectorDecision now, bool isFinal) =>
        (isFinal || told.Layers.All(layer => layer.MeasuredRatio is null))
        && !told.Layers.Select(Measured).SequenceEqual(now.Layers.Select(Measured));

    private static (double?, double?) Measured(LayerDecision layer) => (layer.MeasuredRatio, layer.MeasuredSeconds);
}
