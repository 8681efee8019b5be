using System.Text.Json.Serialization;
using MoEActors.Grains.Interfaces.Director;
using MoEActors.Grains.Interfaces.Training;

namespace MoEActors.Client.History;

/// <summary>Something that happened in a run: one line of its history.</summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "kind")]
[JsonDerivedType(typeof(StepEvent), "step")]
[JsonDerivedType(typeof(LoadEvent), "load")]
[JsonDerivedType(typeof(EvaluationEvent), "evaluation")]
[JsonDerivedType(typeof(DecisionEvent), "decision")]
[JsonDerivedType(typeof(PlacementEvent), "placement")]
[JsonDerivedType(typeof(CheckpointEvent), "checkpoint")]
[JsonDerivedType(typeof(ResumeEvent), "resume")]
[JsonDerivedType(typeof(GapEvent), "gap")]
public abstract record RunEvent
{
    private protected RunEvent()
    {
    }

    /// <summary>Committed steps when it happened.</summary>
    public required long Step { get; init; }

    /// <summary>When it was noticed.</summary>
    public DateTimeOffset Time { get; init; } = DateTimeOffset.UtcNow;
}

/// <summary>A step is committed.</summary>
public sealed record StepEvent : RunEvent
{
    /// <summary>Mean cross-entropy (nats per token) plus auxiliary losses.</summary>
    public required double Loss { get; init; }

    /// <summary>Mean cross-entropy alone, nats per token.</summary>
    public required double CrossEntropy { get; init; }

    /// <summary>Weighted auxiliary losses.</summary>
    public required double Auxiliary { get; init; }

    /// <summary>What the weighted auxiliary losses are made of, by name.</summary>
    public IReadOnlyDictionary<string, double> AuxiliaryLosses { get; init; } = new Dictionary<string, double>();

    /// <summary>Norm of the gradient before clipping.</summary>
    public required double GradientNorm { get; init; }

    /// <summary>Learning rate of the update.</summary>
    public required double LearningRate { get; init; }

    /// <summary>Predicted tokens.</summary>
    public required long Tokens { get; init; }

    /// <summary>Seconds that the step took.</summary>
    public required double Seconds { get; init; }

    /// <summary>Predicted tokens per second of the step.</summary>
    public required double TokensPerSecond { get; init; }

    /// <summary>By layer: tokens of the busiest worker over the mean, 1 for a dense layer; empty where it is not known.</summary>
    public IReadOnlyList<double> Balance { get; init; } = [];

    /// <summary>Mean of <see cref="Balance"/> over the layers with experts; null where it is not known.</summary>
    public double? MeanBalance { get; init; }

    /// <summary>By layer: mean entropy of the router's probabilities, nats.</summary>
    public IReadOnlyList<double> RouterEntropy { get; init; } = [];

    /// <summary>Choices of an expert in all layers.</summary>
    public required long ChosenTokens { get; init; }

    /// <summary>Those of them that found no slot.</summary>
    public required long DroppedTokens { get; init; }

    /// <summary>A step as its outcome tells of it.</summary>
    /// <param name="step">The outcome.</param>
    /// <param name="balance">Balance ratios by layer, such as <see cref="DirectorStatus.Ratios"/>; null where they are not known.</param>
    public static StepEvent Of(StepOutcome step, IReadOnlyList<double>? balance = null)
    {
        ArgumentNullException.ThrowIfNull(step);
        return new()
        {
            Step = step.Step,
            Loss = step.Loss,
            CrossEntropy = step.CrossEntropy,
            Auxiliary = step.Auxiliary,
            AuxiliaryLosses = step.AuxiliaryLosses.GroupBy(loss => loss.Name).ToDictionary(parts => parts.Key, parts => parts.Sum(part => part.Weighted)),
            GradientNorm = step.GradientNorm,
            LearningRate = step.LearningRate,
            Tokens = step.Tokens,
            Seconds = step.Seconds,
            TokensPerSecond = step.TokensPerSecond,
            Balance = balance ?? [],
            MeanBalance = balance?.Where((_, layer) => step.ChosenTokens[layer].Length > 0).Select(ratio => (double?)ratio).Average(),
            RouterEntropy = step.RouterEntropy,
            ChosenTokens = step.ChosenTokens.Sum(layer => layer.Sum()),
            DroppedTokens = step.DroppedTokens.Sum(layer => layer.Sum()),
        };
    }
}

/// <summary>What the experts have taken in some steps (<see cref="LoadSum"/>).</summary>
public sealed record LoadEvent : RunEvent
{
    /// <summary>The first of the steps; <see cref="RunEvent.Step"/> is the last.</summary>
    public required long FirstStep { get; init; }

    /// <summary>By layer and expert: tokens that reached it; empty for a dense layer.</summary>
    public required IReadOnlyList<IReadOnlyList<long>> Tokens { get; init; }

    /// <summary>By layer: experts that no token has chosen.</summary>
    public required IReadOnlyList<int> DeadExperts { get; init; }

    /// <summary>By expert of a layer: its tokens in multiples of the layer's mean; empty where there are none.</summary>
    public double[] LoadsOf(int layer)
    {
        double mean = Tokens[layer].Count == 0 ? 0 : Tokens[layer].Average();
        return mean > 0 ? [.. Tokens[layer].Select(tokens => tokens / mean)] : [];
    }
}

/// <summary>The loss was measured on text that is not trained on.</summary>
public sealed record EvaluationEvent : RunEvent
{
    /// <summary>Mean cross-entropy, nats per token.</summary>
    public required double Loss { get; init; }

    /// <summary>Predicted tokens.</summary>
    public required long Tokens { get; init; }
}

/// <summary>A decision of the director is in force, or was abandoned. It is told again when its effect has been measured; what was told last counts.</summary>
public sealed record DecisionEvent : RunEvent
{
    /// <summary>What was decided, why, and what came of it so far.</summary>
    public required DirectorDecision Decision { get; init; }

    /// <summary>Name of each rank's silo.</summary>
    public required IReadOnlyList<string> Silos { get; init; }
}

/// <summary>Experts are elsewhere than before.</summary>
public sealed record PlacementEvent : RunEvent
{
    /// <summary>The view with the new placement.</summary>
    public required long View { get; init; }

    /// <summary>The experts whose places have changed.</summary>
    public required IReadOnlyList<ExpertPlaces> Experts { get; init; }

    /// <summary>What lies between two states of a model; null when all experts are where they were.</summary>
    /// <param name="before">The state before.</param>
    /// <param name="after">The state now.</param>
    public static PlacementEvent? Between(TrainingStatus before, TrainingStatus after)
    {
        ArgumentNullException.ThrowIfNull(before);
        ArgumentNullException.ThrowIfNull(after);
        if (before.Map is null || after.Map is null || before.View == after.View)
        {
            return null;
        }

        (int[][][] were, int[][][] are) = (before.Map.Ranks(), after.Map.Ranks());
        ExpertPlaces[] changed =
        [
            .. from layer in Enumerable.Range(0, Math.Min(were.Length, are.Length))
               from expert in Enumerable.Range(0, are[layer].Length)
               let places = new ExpertPlaces(layer, expert, Names(were[layer][expert], before), Names(are[layer][expert], after))
               where !places.From.SequenceEqual(places.To)
               select places,
        ];
        return changed.Length == 0 ? null : new() { Step = after.Step, View = after.View, Experts = changed };
    }

    private static string[] Names(int[] ranks, TrainingStatus status) => [.. ranks.Select(rank => status.SiloNames[rank])];
}

/// <summary>Where an expert was and is.</summary>
/// <param name="Layer">The layer.</param>
/// <param name="Expert">The expert.</param>
/// <param name="From">Names of the silos that had it.</param>
/// <param name="To">Names of the silos that have it.</param>
public sealed record ExpertPlaces(int Layer, int Expert, IReadOnlyList<string> From, IReadOnlyList<string> To);

/// <summary>A checkpoint of the step is on disk.</summary>
public sealed record CheckpointEvent : RunEvent
{
    /// <summary>Its place, relative to the folder of the history where it is below that.</summary>
    public required string Place { get; init; }

    /// <summary>Bytes of tensors.</summary>
    public required long Bytes { get; init; }
}

/// <summary>The run had ended after the step, or was stopped, and goes on from it.</summary>
public sealed record ResumeEvent : RunEvent
{
    /// <summary>Silos that it goes on with.</summary>
    public required int Silos { get; init; }
}

/// <summary>Lines are missing here: they could not be written, or cannot be read.</summary>
public sealed record GapEvent : RunEvent
{
    /// <summary>Number of lines.</summary>
    public required long Lines { get; init; }
}
