using MoEActors.Grains.Interfaces.Telemetry;
using MoEActors.Grains.Interfaces.Training;

namespace MoEActors.Grains.Telemetry;

/// <summary>
/// The last of what has happened to a run, for those who watch it. It is kept whether anybody does or not, since it costs next to nothing: what is long of a
/// step, the counts of its experts, is the outcome's own.
/// </summary>
internal sealed class RunFeed
{
    /// <summary>Steps whose loads are kept; the director looks at as many.</summary>
    private const int WindowSteps = 8;

    /// <summary>Steps and notes kept: seconds of the shortest steps, for readers that ask a few times a second.</summary>
    private const int Kept = 256;

    private readonly Guid _id = Guid.NewGuid();
    private readonly Queue<StepNote> _steps = [];
    private readonly Queue<FeedNote> _notes = [];
    private readonly Queue<StepOutcome> _window = [];
    private long _stepNumber;
    private long _noteNumber;
    private volatile StepOutcome[] _published = [];

    /// <summary>The load window, oldest step first. From any thread.</summary>
    public IReadOnlyList<StepOutcome> Window => _published;

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
        _published = [.. _window];
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
            Loads = [.. _window.TakeLast(steps.Length).Select(step => LoadOf(step, isLast: step == _window.Last()))],
            Notes = [.. _notes.Where(note => note.Number > from.Note)],
        };
    }

    private static StepLoadNote LoadOf(StepOutcome step, bool isLast) => new()
    {
        Step = step.Step,
        View = step.View,
        Kept = step.KeptTokens,
        Chosen = step.ChosenTokens.Zip(step.KeptTokens, (chosen, kept) => chosen.AsSpan().SequenceEqual(kept)).All(same => same) ? null : step.ChosenTokens,
        Timings = isLast ? step.Timings : [],
        RouterEntropy = step.RouterEntropy,
        TransientCopies = step.TransientCopies,
    };

    private static void Keep<T>(Queue<T> queue, T item, int count = Kept)
    {
        queue.Enqueue(item);
        if (queue.Count > count)
        {
            queue.Dequeue();
        }
    }
}
