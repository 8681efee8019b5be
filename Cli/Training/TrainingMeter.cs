using System.Diagnostics;
using MoEActors.Cli.Progress;
using MoEActors.Cli.Runs;
using MoEActors.Client.History;
using MoEActors.Grains.Interfaces.Director;
using MoEActors.Grains.Interfaces.Training;

namespace MoEActors.Cli.Training;

/// <summary>Turns the outcomes of steps into what a view shows.</summary>
/// <param name="status">The model when the run begins or goes on.</param>
/// <param name="steps">The step that it ends with.</param>
/// <param name="frequencyLoss">The loss of a model that knows only how often each byte occurs.</param>
internal sealed class TrainingMeter(TrainingStatus status, long steps, double frequencyLoss)
{
    /// <summary>Weight of a new step in the smoothed loss: about the last twenty steps.</summary>
    private const double Smoothing = 0.05;

    private readonly List<RunNote> _notes = [];
    private readonly LossSeries _losses = new();
    private readonly List<LossPoint> _validations = [];
    private readonly SortedDictionary<long, DecisionReport> _earlier = [];
    private readonly ExpertPlacement _placement = new(status, TimeProvider.System);
    private readonly long _started = Stopwatch.GetTimestamp();
    private readonly long _first = status.Step;
    private double _balances;
    private double _balancesAsBegun;
    private long[][] _lastTokens = [];
    private double _smoothed = double.NaN;
    private double _learningRate;
    private double _balanceAsBegun = 1;
    private WrittenSample? _sample;
    private long? _passed;
    private TimeSpan _aside;
    private long? _ended;

    /// <summary>Committed steps.</summary>
    public long Step { get; private set; } = status.Step;

    /// <summary>Steps since the run began or went on.</summary>
    public long StepsHere => Step - _first;

    /// <summary>Predicted tokens so far.</summary>
    public long Tokens { get; private set; }

    /// <summary>Cross-entropy of the last step.</summary>
    public double CrossEntropy { get; private set; } = double.NaN;

    /// <summary>The loss of a model that knows only how often each byte occurs.</summary>
    public double FrequencyLoss => frequencyLoss;

    /// <summary>Mean over layers of the routers' entropy in the last step, nats; null without gates.</summary>
    public double? RouterEntropy { get; private set; }

    /// <summary>Share of the last step's choices of an expert that found no slot.</summary>
    public double DroppedShare { get; private set; }

    /// <summary>By layer: tokens of the busiest worker over the mean in the last step; 1 for a dense layer.</summary>
    public IReadOnlyList<double> LayerBalance { get; private set; } = [];

    /// <summary>Mean over the steps so far of <see cref="TrainingProgress.Balance"/>.</summary>
    public double MeanBalance => _balances / Math.Max(1, StepsHere);

    /// <summary>The same with the experts where they were when the run began.</summary>
    public double MeanBalanceAsBegun => _balancesAsBegun / Math.Max(1, StepsHere);

    /// <summary>Decisions of the director before the run was stopped; those that follow are numbered on.</summary>
    public long EarlierDecisions => _earlier.Count == 0 ? 0 : _earlier.Keys.Last();

    /// <summary>The step that the run went on from; null when it began here.</summary>
    public long? ResumedAt => _first > 0 ? _first : null;

    /// <summary>Experts that the director has moved or copied since the run began or went on.</summary>
    public int ShardsMoved { get; private set; }

    /// <summary>What the director sees and has done; null without one.</summary>
    public DirectorReport? Director { get; private set; }

    /// <summary>Time since the start, without what was set aside.</summary>
    public TimeSpan Elapsed => (_ended is { } ended ? Stopwatch.GetElapsedTime(_started, ended) : Stopwatch.GetElapsedTime(_started)) - _aside;

    /// <summary>Takes over what the run's history tells of the steps before it was stopped.</summary>
    public void Recall(RunEvent earlier)
    {
        if (earlier is StepEvent step)
        {
            AddLoss(step.Step, step.CrossEntropy);
        }
        else if (earlier is EvaluationEvent evaluation)
        {
            Validated(evaluation.Step, evaluation.Loss);
        }
        else if (earlier is DecisionEvent decision)
        {
            _earlier[decision.Decision.Number] = DecisionReport.Of(decision.Decision, decision.Silos);
        }
    }

    /// <summary>Adds a step.</summary>
    public void Add(StepOutcome step)
    {
        Step = step.Step;
        Tokens += step.Tokens;
        CrossEntropy = step.CrossEntropy;
        ShardsMoved += step.ShardsMoved;
        AddLoss(step.Step, step.CrossEntropy);
        _smoothed = double.IsNaN(_smoothed) ? step.CrossEntropy : _smoothed + Smoothing * (step.CrossEntropy - _smoothed);
        _learningRate = step.LearningRate;
        _lastTokens = step.KeptTokens;
        double[] entropies = [.. step.RouterEntropy.Where((_, layer) => step.ChosenTokens[layer].Length > 0)];
        RouterEntropy = entropies.Length > 0 ? entropies.Average() : null;
        DroppedShare = (double)step.DroppedTokens.Sum(layer => layer.Sum()) / Math.Max(1, step.ChosenTokens.Sum(layer => layer.Sum()));
        LayerBalance = _placement.Balances(_lastTokens);
        _balanceAsBegun = Mean(_placement.BalancesAsBegun(_lastTokens));
        _balances += Mean(LayerBalance);
        _balancesAsBegun += _balanceAsBegun;
    }

    /// <summary>The state of the run after the last step.</summary>
    public TrainingProgress Progress()
    {
        TimeSpan elapsed = Elapsed;
        (IReadOnlyList<ExpertLayer> layers, IReadOnlyList<SiloShare> silos) = _placement.Spread(_lastTokens);
        return new TrainingProgress
        {
            Step = Step,
            Steps = steps,
            Loss = _smoothed,
            Losses = _losses.Points,
            Validations = [.. _validations],
            FrequencyLoss = double.IsFinite(frequencyLoss) ? frequencyLoss : null,
            FrequenciesPassed = _passed,
            LearningRate = _learningRate,
            TokensPerSecond = Tokens / Math.Max(1e-9, elapsed.TotalSeconds),
            Elapsed = elapsed,
            RouterEntropy = RouterEntropy,
            DroppedShare = DroppedShare,
            Remaining = StepsHere == 0 || _ended is not null ? null : elapsed / StepsHere * Math.Max(0, steps - Step),
            Silos = silos,
            Layers = layers,
            Moved = _placement.Moved,
            Balance = Mean(LayerBalance),
            BalanceAsBegun = _balanceAsBegun,
            Director = Director,
            Sample = _sample,
            Notes = [.. _notes],
        };
    }

    /// <summary>The busiest expert of the busiest worker, and the idlest worker to take it; null when there is but one worker.</summary>
    public ExpertMove? BusiestExpert() => _placement.Busiest(_lastTokens);

    /// <summary>Takes time that was no training out of the account, such as an evaluation's.</summary>
    public void SetAside(TimeSpan time)
    {
        if (_ended is null)
        {
            _aside += time;
        }
    }

    /// <summary>The training is over: from now on its time stands still.</summary>
    public void Stop() => _ended = Stopwatch.GetTimestamp();

    /// <summary>Adds a note for the view.</summary>
    public void Note(string text) => _notes.Add(new RunNote(Step, text));

    /// <summary>Adds a decision of the director.</summary>
    public void Note(DecisionReport decision) => _notes.Add(new RunNote(decision.At, $"director: {decision.InShort()}", IsDecision: true));

    /// <summary>The loss on text that is not trained on has been measured.</summary>
    public void Validated(long step, double loss)
    {
        if (double.IsFinite(loss))
        {
            _validations.Add(new LossPoint(step, loss));
        }
    }

    /// <summary>The model has written something.</summary>
    public void Wrote(WrittenSample sample) => _sample = sample;

    /// <summary>Updates the placement, and what the director has done.</summary>
    /// <returns>What has changed its place; null when nothing has.</returns>
    public PlacementEvent? Follow(TrainingStatus now, DirectorStatus director)
    {
        Director = DirectorReport.Of(director, now.SiloNames) is { } report
            ? report with { Decisions = [.. _earlier.Values, .. report.Decisions.Select(one => one with { Number = one.Number + EarlierDecisions })] }
            : null;
        return _placement.Follow(now, Step);
    }

    /// <summary>Updates the placement after a move, and notes the move.</summary>
    /// <returns>What has changed its place; null when nothing has.</returns>
    public PlacementEvent? Follow(TrainingStatus now, ExpertMove move)
    {
        Note($"layer {move.Layer}'s expert {move.Expert}, the busiest of {_placement.SiloOf(move.Layer, move.Expert)}, moved to {now.SiloNames[move.Rank]}; no bit of the result changes");
        return _placement.Follow(now, Step);
    }

    private void AddLoss(long step, double loss)
    {
        _losses.Add(step, loss);
        _passed ??= loss < frequencyLoss ? step : null;
    }

    /// <summary>The mean over the layers with experts.</summary>
    private double Mean(IReadOnlyList<double> balances) =>
        balances.Where((_, layer) => _lastTokens[layer].Length > 0).DefaultIfEmpty(1).Average();
}
