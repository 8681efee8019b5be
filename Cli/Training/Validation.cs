using System.Diagnostics;
using MoEActors.Client;
using MoEActors.Client.History;
using MoEActors.Grains.Interfaces.Training;

namespace MoEActors.Cli.Training;

/// <summary>Measures a run on text that is never trained on, and knows its best step, and when it is time to end.</summary>
/// <param name="model">The model.</param>
/// <param name="text">The text.</param>
/// <param name="every">Steps between two evaluations; 0 for none on the way.</param>
/// <param name="patience">Evaluations on the way without a new best one after which it is time to end; 0 for never.</param>
/// <param name="meter">The run's time, to which an evaluation does not count.</param>
/// <param name="history">Where evaluations are written down.</param>
internal sealed class Validation(
    MoEModel model, IReadOnlyList<MicroBatch> text, int every, int patience, TrainingMeter meter, IRunLogger history)
{
    private (long Step, EvaluationOutcome Outcome)? _last;
    private long _counted;
    private int _withoutBest;

    /// <summary>The evaluation on the way with the lowest loss; null before the first.</summary>
    public (long Step, double Loss)? Best { get; private set; }

    /// <summary>Whether the loss has not become lower for so long that the run is to end.</summary>
    public bool IsExhausted => patience > 0 && _withoutBest >= patience;

    /// <summary>In words, why the run ends; null when it does not.</summary>
    public string? Ending => IsExhausted && Best is { } best
        ? $"ended early: {_withoutBest} evaluations without a lower loss than the {best.Loss:0.000} of step {best.Step}"
        : null;

    /// <summary>Takes over what the run measured before it was stopped, so that it goes on as if it had not been.</summary>
    public void Recall(RunEvent earlier)
    {
        if (earlier is EvaluationEvent one && IsDue(one.Step))
        {
            Count(one.Step, one.Loss);
        }
    }

    /// <summary>Whether the step is one after which the run is measured.</summary>
    public bool IsDue(long step) => every > 0 && step > 0 && step % every == 0;

    /// <summary>Whether the last step is one after which the run is measured, and has not been.</summary>
    public bool IsDueNow => IsDue(meter.Step) && _counted != meter.Step;

    /// <summary>Measures the model if it is time to.</summary>
    /// <returns>Whether there was none better.</returns>
    public async Task<bool> FollowAsync(CancellationToken cancellation)
    {
        if (!IsDueNow)
        {
            return false;
        }

        EvaluationOutcome outcome = await MeasureAsync(cancellation);
        bool isBest = Count(meter.Step, outcome.Loss);
        meter.Note($"validation loss {outcome.Loss:0.000}{(isBest ? ", the lowest so far" : "")}");
        return isBest;
    }

    /// <summary>The loss after the last step.</summary>
    public async Task<EvaluationOutcome> MeasureAsync(CancellationToken cancellation)
    {
        if (_last is { } last && last.Step == meter.Step)
        {
            return last.Outcome;
        }

        long started = Stopwatch.GetTimestamp();
        EvaluationOutcome outcome = await model.EvaluateAsync(text, cancellation);
        meter.SetAside(Stopwatch.GetElapsedTime(started));
        meter.Validated(meter.Step, outcome.Loss);
        _last = (meter.Step, outcome);
        history.Log(new EvaluationEvent { Step = meter.Step, Loss = outcome.Loss, Tokens = outcome.Tokens });
        return outcome;
    }

    /// <summary>Counts an evaluation; a loss that is no number is none to go by.</summary>
    private bool Count(long step, double loss)
    {
        _counted = step;
        if (double.IsNaN(loss) || loss >= Best?.Loss)
        {
            _withoutBest++;
            return false;
        }

        Best = (step, loss);
        _withoutBest = 0;
        return true;
    }
}
