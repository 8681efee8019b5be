using System.Diagnostics;
using MoEActors.Cli.Progress;
using MoEActors.Cli.Runs;
using MoEActors.Client.History;
using MoEActors.Grains.Interfaces.Director;
using MoEActors.Grains.Interfaces.Training;
using MoEActors.Placement.Map;
using MoEActors.Placement.Quotas;

namespace MoEActors.Cli.Training;

/// <summary>Turns the outcomes of steps into what a view shows.</summary>
internal sealed class TrainingMeter(TrainingStatus status, long steps)
{
    /// <summary>Weight of a new step in the smoothed loss: about the last twenty steps.</summary>
    private const double Smoothing = 0.05;

    private readonly List<string> _notes = [];
    private readonly IQuotaRule _quotas = Quotas(status.Configuration);
    private readonly long _started = Stopwatch.GetTimestamp();
    private readonly string[] _silos = [.. status.SiloNames.Distinct()];
    private TrainingStatus _status = status;
    private readonly PlacementMap _began = status.Map!;
    private PlacementMap _map = status.Map!;
    private double _balances;
    private double _balancesAsBegun;
    private long[][] _lastTokens = [];
    private double _smoothed = double.NaN;
    private TimeSpan _aside;

    private readonly long _first = status.Step;

    /// <summary>Committed steps.</summary>
    public long Step { get; private set; } = status.Step;

    /// <summary>Predicted tokens so far.</summary>
    public long Tokens { get; private set; }

    /// <summary>Cross-entropy of the last step.</summary>
    public double CrossEntropy { get; private set; } = double.NaN;

    /// <summary>Mean over layers of the routers' entropy in the last step, nats; null without gates.</summary>
    public double? RouterEntropy { get; private set; }

    /// <summary>Share of the last step's choices of an expert that found no slot.</summary>
    public double DroppedShare { get; private set; }

    /// <summary>Mean over the steps so far of <see cref="TrainingProgress.Balance"/>.</summary>
    public double MeanBalance => _balances / Math.Max(1, Step - _first);

    /// <summary>The same with the experts where they were when the run began.</summary>
    public double MeanBalanceAsBegun => _balancesAsBegun / Math.Max(1, Step - _first);

    /// <summary>Experts that the director has moved or copied.</summary>
    public int ShardsMoved { get; private set; }

    /// <summary>What the director sees and has done; null without one.</summary>
    public DirectorReport? Director { get; private set; }

    /// <summary>Time since the start, without what was set aside.</summary>
    public TimeSpan Elapsed => Stopwatch.GetElapsedTime(_started) - _aside;

    /// <summary>By layer: tokens of the busiest worker over the mean in the last step; 1 for a dense layer.</summary>
    public IReadOnlyList<double> LayerBalance { get; private set; } = [];

    /// <summary>Adds a step.</summary>
    public TrainingProgress Add(StepOutcome step)
    {
        Step = step.Step;
        Tokens += step.Tokens;
        CrossEntropy = step.CrossEntropy;
        ShardsMoved += step.ShardsMoved;
        _smoothed = double.IsNaN(_smoothed) ? step.CrossEntropy : _smoothed + Smoothing * (step.CrossEntropy - _smoothed);
        _lastTokens = step.KeptTokens;
        double[] entropies = [.. step.RouterEntropy.Where((_, layer) => step.ChosenTokens[layer].Length > 0)];
        RouterEntropy = entropies.Length > 0 ? entropies.Average() : null;
        DroppedShare = (double)step.DroppedTokens.Sum(layer => layer.Sum()) / Math.Max(1, step.ChosenTokens.Sum(layer => layer.Sum()));
        LayerBalance = Balances(_map, step.KeptTokens);
        double balance = Mean(LayerBalance, step.KeptTokens);
        double balanceAsBegun = Mean(Balances(_began, step.KeptTokens), step.KeptTokens);
        _balances += balance;
        _balancesAsBegun += balanceAsBegun;
        TimeSpan elapsed = Elapsed;
        return new TrainingProgress
        {
            Step = step.Step,
            Steps = steps,
            Loss = _smoothed,
            LearningRate = step.LearningRate,
            TokensPerSecond = Tokens / elapsed.TotalSeconds,
            Elapsed = elapsed,
            RouterEntropy = RouterEntropy,
            DroppedShare = DroppedShare,
            Remaining = elapsed / Math.Max(1, step.Step - _first) * Math.Max(0, steps - step.Step),
            Silos = _silos,
            ExpertLoads = Loads(step.KeptTokens),
            Balance = balance,
            BalanceAsBegun = balanceAsBegun,
            Director = Director,
            Notes = [.. _notes],
        };
    }

    /// <summary>The busiest expert of the busiest worker, and the idlest worker to take it; null when there is but one worker.</summary>
    public ExpertMove? BusiestExpert()
    {
        int[][][] ranks = _status.Map!.Ranks();
        long[] loads = new long[_status.SiloNames.Length];
        foreach ((int layer, int expert) in Experts())
        {
            loads[ranks[layer][expert][0]] += _lastTokens[layer][expert];
        }

        int busiest = Array.IndexOf(loads, loads.Max());
        int idlest = Array.IndexOf(loads, loads.Min());
        (int Layer, int Expert)[] candidates = [.. Experts().Where(one => ranks[one.Layer][one.Expert] is [int rank] && rank == busiest)];
        if (busiest == idlest || candidates.Length == 0)
        {
            return null;
        }

        (int hotLayer, int hotExpert) = candidates.MaxBy(one => _lastTokens[one.Layer][one.Expert]);
        return new ExpertMove(hotLayer, hotExpert, idlest);
    }

    /// <summary>Takes time that was no training out of the account, such as an evaluation's.</summary>
    public void SetAside(TimeSpan time) => _aside += time;

    /// <summary>Adds a note for the view.</summary>
    public void Note(string text) => _notes.Add($"step {Step}: {text}");

    /// <summary>Updates the placement, and what the director has done.</summary>
    /// <returns>What has changed its place; null when nothing has.</returns>
    public PlacementEvent? Follow(TrainingStatus now, DirectorStatus director)
    {
        Director = DirectorReport.Of(director, now.SiloNames);
        return Follow(now);
    }

    /// <summary>Updates the placement after a move, and notes the move.</summary>
    /// <returns>What has changed its place; null when nothing has.</returns>
    public PlacementEvent? Follow(TrainingStatus now, ExpertMove move)
    {
        string from = _status.SiloNames[_status.Map!.Ranks()[move.Layer][move.Expert][0]];
        _notes.Add(
            $"step {Step}: layer {move.Layer}, expert {move.Expert}, the busiest of {from}, moved to {now.SiloNames[move.Rank]} "
            + $"with its optimizer state (view {now.View}); training goes on, no bit of its result changes");
        return Follow(now);
    }

    private IEnumerable<(int Layer, int Expert)> Experts() =>
        _lastTokens.SelectMany((tokens, layer) => tokens.Select((_, expert) => (layer, expert)));

    private PlacementEvent? Follow(TrainingStatus now)
    {
        if (now.Map is not { } map || now.View == _status.View)
        {
            return null;
        }

        PlacementEvent? moved = PlacementEvent.Between(_status, now);
        (_status, _map) = (now, map);
        return moved is null ? null : moved with { Step = Step };
    }

    /// <summary>
    /// Tokens of this step by silo: one column per shard that it holds, layer by layer. Steps do not report which replica served which tokens;
    /// it follows from the rule by which they are divided.
    /// </summary>
    private long[][] Loads(long[][] tokens)
    {
        List<long>[] loads = [.. _silos.Select(_ => new List<long>())];
        for (int layer = 0; layer < tokens.Length; layer++)
        {
            if (tokens[layer].Length == 0)
            {
                continue;
            }

            LayerQuotas quotas = _quotas.Split(_map.PlacementOf(layer), tokens[layer]);
            for (int expert = 0; expert < tokens[layer].Length; expert++)
            {
                ReadOnlySpan<int> ranks = quotas.Placement.RanksOf(expert);
                for (int replica = 0; replica < ranks.Length; replica++)
                {
                    loads[Array.IndexOf(_silos, _status.SiloNames[ranks[replica]])].Add(quotas.Of(expert)[replica]);
                }
            }
        }

        return [.. loads.Select(load => load.ToArray())];
    }

    /// <summary>By layer: tokens of the busiest worker over the mean.</summary>
    private double[] Balances(PlacementMap map, long[][] tokens) =>
        [.. tokens.Select((ofLayer, layer) => ofLayer.Length > 0 ? _quotas.Split(map.PlacementOf(layer), ofLayer).BalanceRatio : 1)];

    /// <summary>The mean over the layers with experts.</summary>
    private static double Mean(IReadOnlyList<double> balances, long[][] tokens) =>
        balances.Where((_, layer) => tokens[layer].Length > 0).DefaultIfEmpty(1).Average();

    private static IQuotaRule Quotas(RunConfiguration run) => run.Reproducible ? new MicroBatchQuotas(run.MicroBatches) : new TokenQuotas();
}

/// <summary>An expert and the rank that is to hold it.</summary>
internal readonly record struct ExpertMove(int Layer, int Expert, int Rank);
