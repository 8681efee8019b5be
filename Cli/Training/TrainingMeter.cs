using System.Diagnostics;
using MoEActors.Cli.Progress;
using MoEActors.Grains.Interfaces.Training;
using MoEActors.Grains.Interfaces.Workers;

namespace MoEActors.Cli.Training;

/// <summary>Turns the outcomes of steps into what a view shows.</summary>
internal sealed class TrainingMeter(TrainingStatus status, long steps)
{
    private readonly List<string> _notes = [];
    private TrainingStatus _status = status;
    private long[][] _lastTokens = [];
    /// <summary>Weight of a new step in the smoothed loss: about the last twenty steps.</summary>
    private const double Smoothing = 0.05;

    private readonly long _started = Stopwatch.GetTimestamp();
    private readonly string[] _silos = [.. status.SiloNames.Distinct()];
    private double _smoothed = double.NaN;

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

    /// <summary>Time since the start.</summary>
    public TimeSpan Elapsed => Stopwatch.GetElapsedTime(_started);

    /// <summary>Adds a step.</summary>
    public TrainingProgress Add(StepOutcome step)
    {
        Step = step.Step;
        Tokens += step.Tokens;
        CrossEntropy = step.CrossEntropy;
        _smoothed = double.IsNaN(_smoothed) ? step.CrossEntropy : _smoothed + Smoothing * (step.CrossEntropy - _smoothed);
        _lastTokens = step.KeptTokens;
        double[] entropies = [.. step.RouterEntropy.Where((_, layer) => step.ChosenTokens[layer].Length > 0)];
        RouterEntropy = entropies.Length > 0 ? entropies.Average() : null;
        DroppedShare = (double)step.DroppedTokens.Sum(layer => layer.Sum()) / Math.Max(1, step.ChosenTokens.Sum(layer => layer.Sum()));
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
            Notes = [.. _notes],
        };
    }

    /// <summary>The busiest expert of the busiest worker, and the idlest worker to take it; null when there is but one worker.</summary>
    public ExpertMove? BusiestExpert()
    {
        int[][][] ranks = _status.Map!.Ranks;
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

    /// <summary>Notes what the person who watches should know.</summary>
    public void Note(string text) => _notes.Add($"step {Step}: {text}");

    /// <summary>Takes over where everything is after a move, and notes it.</summary>
    public void Follow(TrainingStatus now, ExpertMove move)
    {
        string from = _status.SiloNames[_status.Map!.Ranks[move.Layer][move.Expert][0]];
        _status = now;
        _notes.Add(
            $"step {Step}: layer {move.Layer}, expert {move.Expert}, the busiest of {from}, moved to {now.SiloNames[move.Rank]} "
            + $"with its optimizer state (epoch {now.Epoch}); training goes on, no bit of its result changes");
    }

    private IEnumerable<(int Layer, int Expert)> Experts() =>
        _lastTokens.SelectMany((tokens, layer) => tokens.Select((_, expert) => (layer, expert)));

    /// <summary>
    /// Tokens of this step by silo: one column per expert that it holds, layer by layer. An expert with replicas counts at its home, as steps do not
    /// report who served which tokens.
    /// </summary>
    private long[][] Loads(long[][] tokens)
    {
        PlacementMapMessage map = _status.Map!;
        List<long>[] loads = [.. _silos.Select(_ => new List<long>())];
        for (int layer = 0; layer < tokens.Length; layer++)
        {
            for (int expert = 0; expert < tokens[layer].Length; expert++)
            {
                string silo = _status.SiloNames[map.Ranks[layer][expert][0]];
                loads[Array.IndexOf(_silos, silo)].Add(tokens[layer][expert]);
            }
        }

        return [.. loads.Select(load => load.ToArray())];
    }
}
