using MoEActors.Grains.Interfaces.Training;

namespace MoEActors.Client.History;

/// <summary>
/// Sums up what the experts of a run take, for its history: an event every ten steps, or of a model with more than a thousand experts every hundredth of their
/// number, so that loads never fill more of a history than steps do.
/// </summary>
public sealed class LoadSum
{
    private const int LeastSteps = 10, ExpertsPerStep = 100;

    private long[][] _kept = [];
    private long[][] _chosen = [];
    private long _first;
    private long _last;
    private int _steps;

    /// <summary>Adds a step.</summary>
    /// <returns>What the experts have taken since the last event; null while it is too early for one, and for a model without experts.</returns>
    public LoadEvent? Add(StepOutcome step)
    {
        ArgumentNullException.ThrowIfNull(step);
        if (_steps == 0 || step.Step <= _last)
        {
            // Begun anew, or gone back.
            (_kept, _chosen) = (Zeros(step.KeptTokens), Zeros(step.ChosenTokens));
            (_first, _steps) = (step.Step, 0);
        }

        Add(_kept, step.KeptTokens);
        Add(_chosen, step.ChosenTokens);
        (_last, _steps) = (step.Step, _steps + 1);
        return _steps >= Math.Max(LeastSteps, _kept.Sum(layer => layer.Length) / ExpertsPerStep) ? Take() : null;
    }

    /// <summary>What the experts have taken since the last event; null where that is nothing.</summary>
    public LoadEvent? Take()
    {
        if (_steps == 0 || _kept.All(layer => layer.Length == 0))
        {
            return null;
        }

        _steps = 0;
        return new LoadEvent { Step = _last, FirstStep = _first, Tokens = _kept, DeadExperts = [.. _chosen.Select(layer => layer.Count(tokens => tokens == 0))] };
    }

    private static long[][] Zeros(long[][] like) => [.. like.Select(layer => new long[layer.Length])];

    private static void Add(long[][] sums, long[][] tokens)
    {
        for (int layer = 0; layer < sums.Length; layer++)
        {
            for (int expert = 0; expert < sums[layer].Length; expert++)
            {
                sums[layer][expert] += tokens[layer][expert];
            }
        }
    }
}
