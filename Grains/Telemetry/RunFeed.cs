using MoEActors.Grains.Interfaces.Telemetry;
using MoEActors.Grains.Interfaces.Training;

namespace MoEActors.Grains.Telemetry;

/// <summary>
/// The last of what has happened to a run, for those who watch it. It is kept whether anybody does or not, since it costs next to nothing: what is long of a
/// step, the counts of its experts, is the outcome's own.
/// </summary>
internal sealed class RunFeed
{
    /// <summary>Steps that the load is of; the director looks at as many.</summary>
    private const int WindowSteps = 8;

    /// <summary>Steps and notes kept: seconds of the shortest steps, for readers that ask a few times a second.</summary>
    private const int Kept = 256;

    private readonly Guid _id = Guid.NewGuid();
    private readonly Queue<StepNote> _steps = [];
    private readonly Queue<FeedNote> _notes = [];
    private readonly Queue<StepOutcome> _window = [];
    private long _stepNumber;
    private long _noteNumber;

    /// <summary>A step is committed.</summary>
    public void Add(StepOutcome outcome)
    {
        if (_window.Count > 0 && outcome.Step <= _window.Last().Step)
        {
            // The model has gone back.
            _window.Clear();
        }

        long chosen = outcome.ChosenTokens.Sum(layer => layer.Sum());
        Keep(_window, outcome, WindowSteps);
        Keep(_steps, new StepNote
        {
            Number = ++_stepNumber,
            Time = DateTimeOffset.UtcNow,
            Step = outcome.Step,
            Loss = outcome.Loss,
            CrossEntropy = outcome.CrossEntropy,
            GradientNorm = outcome.GradientNorm,
            LearningRate = outcome.LearningRate,
            Tokens = outcome.Tokens,
            Seconds = outcome.Seconds,
            ChosenTokens = chosen,
            DroppedTokens = chosen - outcome.KeptTokens.Sum(layer => layer.Sum()),
            ExchangeBytes = outcome.ExchangeBytes,
        });
    }

    /// <summary>Something else has happened.</summary>
    public void Add(FeedNoteKind kind, long step, string text) =>
        Keep(_notes, new FeedNote(++_noteNumber, DateTimeOffset.UtcNow, step, kind, text));

    /// <summary>What is new since a position.</summary>
    /// <param name="position">The position.</param>
    /// <param name="status">How the run stands.</param>
    /// <param name="device">What its workers compute on.</param>
    public RunNews Read(FeedPosition position, TrainingStatus status, string device)
    {
        FeedPosition from = position.Feed == _id ? position : default;
        StepNote[] steps = [.. _steps.Where(step => step.Number > from.Step)];
        return new RunNews
        {
            Position = new FeedPosition(_id, _stepNumber, _noteNumber, status.View),
            Step = status.Step,
            View = status.View,
            Map = status.View == from.View ? null : status.Map,
            Device = device,
            Steps = steps,
            Load = steps.Length > 0 ? Load() : null,
            Notes = [.. _notes.Where(note => note.Number > from.Note)],
        };
    }

    private WindowLoad Load()
    {
        StepOutcome[] window = [.. _window];
        StepOutcome newest = window[^1];
        long[][] chosen = Sum([.. window.Select(step => step.ChosenTokens)]);
        long[][] kept = Sum([.. window.Select(step => step.KeptTokens)]);
        return new WindowLoad
        {
            From = window[0].Step,
            To = newest.Step,
            Tokens = kept,
            Dropped = [.. chosen.Zip(kept, (all, reached) => all.Sum() - reached.Sum())],
            Dead = [.. chosen.Select(layer => Enumerable.Range(0, layer.Length).Where(expert => layer[expert] == 0).ToArray())],
            Newest = newest.KeptTokens,
            NewestView = newest.View,
            Timings = newest.Timings,
            RouterEntropy = newest.RouterEntropy,
        };
    }

    private static long[][] Sum(long[][][] steps)
    {
        long[][] sum = [.. steps[0].Select(layer => (long[])layer.Clone())];
        foreach (long[][] step in steps[1..])
        {
            for (int layer = 0; layer < sum.Length; layer++)
            {
                for (int expert = 0; expert < sum[layer].Length; expert++)
                {
                    sum[layer][expert] += step[layer][expert];
                }
            }
        }

        return sum;
    }

    private static void Keep<T>(Queue<T> queue, T item, int count = Kept)
    {
        queue.Enqueue(item);
        if (queue.Count > count)
        {
            queue.Dequeue();
        }
    }
}
