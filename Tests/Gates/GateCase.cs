using MoEActors.Modules.Gates;

namespace MoEActors.Tests.Gates;

/// <summary>A gate to be compared with <see cref="ExactGate"/>.</summary>
/// <param name="Options">The policy.</param>
/// <param name="Padding">Every so many rows one is padding; 0 for none.</param>
/// <param name="Evaluation">Without random numbers.</param>
internal sealed record GateCase(GateOptions Options, int Padding = 0, bool Evaluation = false)
{
    public const int Rows = 23;
    public const int Dim = 10;
    public const int Experts = 8;
    public const ulong Key = 99;
    public const float AuxiliaryScale = 0.5f;

    private static readonly GateOptions Strong = new() { BalanceCoefficient = 0.3f, ZCoefficient = 0.1f };

    /// <summary>One case of each gate, and of what they can be combined with.</summary>
    public static IReadOnlyDictionary<string, GateCase> All { get; } = new Dictionary<string, GateCase>
    {
        ["top-any"] = new(Strong),
        ["top-any of one expert"] = new(Strong with { TopK = 1 }, Padding: 4),
        ["top-any of all experts"] = new(Strong with { TopK = Experts }),
        ["raw weights, scaled"] = new(Strong with { Renormalise = false, RoutedScale = 2.5f }),
        ["all choices balanced"] = new(Strong with { TopK = 3, Balance = BalanceLossKind.AllChoices }, Padding: 5),
        ["noise"] = new(Strong with { Noise = 2f }, Padding: 4),
        ["jitter"] = new(Strong with { Jitter = 0.3f }),
        ["noise and jitter, in evaluation"] = new(Strong with { Noise = 2f, Jitter = 0.3f, Priority = SlotPriority.Random, CapacityFactor = 0.7f }, Evaluation: true),
        ["a drawn second choice"] = new(Strong with { SecondChoiceNoise = 1f }, Padding: 4),
        ["a drawn second choice of four"] = new(
            Strong with { TopK = 4, SecondChoiceNoise = 2f, Noise = 1f, CapacityFactor = 0.6f, Balance = BalanceLossKind.AllChoices }),
        ["a drawn second choice of all experts"] = new(Strong with { TopK = Experts, SecondChoiceNoise = 1f }),
        ["a drawn second choice in groups"] = new(Strong with { Groups = 2, TopGroups = 1, TopK = 3, SecondChoiceNoise = 1f }, Padding: 3),
        ["a drawn second choice, in evaluation"] = new(Strong with { SecondChoiceNoise = 3f }, Evaluation: true),
        ["load and importance"] = new(Strong with { Noise = 3f, Balance = BalanceLossKind.LoadImportance }, Padding: 6),
        ["load and importance, in evaluation"] = new(Strong with { Noise = 3f, Balance = BalanceLossKind.LoadImportance }, Evaluation: true),
        ["batch-prioritised"] = new(Strong with { CapacityFactor = 0.6f, Priority = SlotPriority.Score }, Padding: 4),
        ["batch-prioritised with a fixed limit"] = new(Strong with { CapacityFactor = -4, Priority = SlotPriority.Score }),
        ["batch-prioritised, dropless"] = new(Strong with { Priority = SlotPriority.Score }),
        ["random token selection"] = new(Strong with { CapacityFactor = 0.6f, Priority = SlotPriority.Random }, Padding: 4),
        ["cosine"] = new(Strong with { Kind = "cosine", ProjectionDim = 6 }, Padding: 4),
        ["cosine with noise and jitter"] = new(Strong with { Kind = "cosine", ProjectionDim = 6, Noise = 1f, Jitter = 0.1f }),
        ["sigmoid with a bias"] = new(Strong with { Scores = GateScores.Sigmoid, BiasUpdateRate = 0.01f, RoutedScale = 2.5f, TopK = 3 }, Padding: 4),
        ["node-limited"] = new(
            Strong with { Scores = GateScores.Sigmoid, BiasUpdateRate = 0.01f, Groups = 4, TopGroups = 2, TopK = 3, Balance = BalanceLossKind.AllChoices }),
        ["node-limited softmax"] = new(Strong with { Groups = 2, TopGroups = 1, Noise = 1f }, Padding: 4),
        ["expert choice"] = new(Strong with { Kind = "expert-choice", CapacityFactor = 1 }, Padding: 4),
        ["expert choice with noise"] = new(Strong with { Kind = "expert-choice", CapacityFactor = 1.5f, Noise = 2f, Jitter = 0.1f, RoutedScale = 0.5f }),
        ["expert choice of everything"] = new(Strong with { Kind = "expert-choice", CapacityFactor = -1000, Scores = GateScores.Sigmoid }, Padding: 4),
    };

    public int[] Valid { get; } = [.. Enumerable.Range(0, Rows).Select(row => Padding > 0 && row % Padding == 1 ? 0 : 1)];

    public ulong? RandomKey { get; init; } = Evaluation ? null : Key;
}
