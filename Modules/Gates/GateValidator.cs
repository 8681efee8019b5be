using MoEActors.Modules.Kinds;

namespace MoEActors.Modules.Gates;

/// <summary>Finds what is wrong with the options of a gate: every error, not the first alone.</summary>
internal static class GateValidator
{
    /// <summary>Errors of options by themselves.</summary>
    public static IEnumerable<string> Of(GateOptions gate, int experts) =>
        [.. Numbers(gate, experts), .. Names(gate), .. Groups(gate, experts), .. SecondChoice(gate), .. Losses(gate)];

    /// <summary>Errors of options that are to replace others.</summary>
    public static IEnumerable<string> OfChange(GateOptions gate, GateOptions current)
    {
        (string Name, object Value, object Current)[] lasting =
        [
            (nameof(gate.Kind), gate.Kind, current.Kind), (nameof(gate.Scores), gate.Scores, current.Scores),
            (nameof(gate.ProjectionDim), gate.ProjectionDim, current.ProjectionDim),
        ];
        return lasting.Where(entry => !Equals(entry.Value, entry.Current))
            .Select(entry => $"{entry.Name} is {entry.Value}; the layer was built with {entry.Current}, and this cannot change while it lives.");
    }

    /// <summary>Errors in the gate's name, and those that the gate of that name finds.</summary>
    public static IEnumerable<string> OfKind(GateOptions gate, KindList<IGateKind> kinds) =>
        kinds.ErrorOf(nameof(gate.Kind), gate.Kind) is { } error ? [error] : kinds.Get(gate.Kind).Errors(gate);

    private static IEnumerable<string> Numbers(GateOptions gate, int experts) =>
    [
        .. ConfigurationErrors.Of(
            (gate.TopK < 1 || gate.TopK > experts,
                $"{nameof(gate.TopK)} is {gate.TopK}; it must be from 1 to the layer's {experts} experts."),
            (!float.IsFinite(gate.CapacityFactor) || (gate.CapacityFactor < 0 && gate.CapacityFactor != MathF.Floor(gate.CapacityFactor)),
                $"{nameof(gate.CapacityFactor)} is {gate.CapacityFactor}; it must be finite, and a whole number when it is negative."),
            (gate.MinimumCapacity < 0,
                $"{nameof(gate.MinimumCapacity)} is {gate.MinimumCapacity}; it must not be negative."),
            (gate.MinimumCapacity > 0 && gate.CapacityFactor <= 0,
                $"{nameof(gate.MinimumCapacity)} is {gate.MinimumCapacity}, but {nameof(gate.CapacityFactor)} is {gate.CapacityFactor}; "
                + "a least capacity needs a capacity factor above 0."),
            (!(gate.RoutedScale > 0) || !float.IsFinite(gate.RoutedScale),
                $"{nameof(gate.RoutedScale)} is {gate.RoutedScale}; it must be positive and finite."),
            (!(gate.Jitter >= 0 && gate.Jitter < 1),
                $"{nameof(gate.Jitter)} is {gate.Jitter}; it must be from 0 to below 1.")),
        .. ConfigurationErrors.OfMagnitudes(
            (nameof(gate.Noise), gate.Noise), (nameof(gate.SecondChoiceNoise), gate.SecondChoiceNoise), (nameof(gate.BiasUpdateRate), gate.BiasUpdateRate),
            (nameof(gate.BalanceCoefficient), gate.BalanceCoefficient), (nameof(gate.ZCoefficient), gate.ZCoefficient)),
    ];

    private static IEnumerable<string> Names(GateOptions gate) =>
    [
        .. ConfigurationErrors.OfName(nameof(gate.Scores), gate.Scores),
        .. ConfigurationErrors.OfName(nameof(gate.Priority), gate.Priority),
        .. ConfigurationErrors.OfName(nameof(gate.Balance), gate.Balance),
    ];

    private static IEnumerable<string> Groups(GateOptions gate, int experts)
    {
        if (gate.Groups < 1 || experts % gate.Groups != 0)
        {
            yield return $"{nameof(gate.Groups)} is {gate.Groups}; it must divide the layer's {experts} experts.";
        }
        else if (gate.TopGroups < 1 || gate.TopGroups > gate.Groups)
        {
            yield return $"{nameof(gate.TopGroups)} is {gate.TopGroups}; it must be from 1 to the {gate.Groups} groups.";
        }
        else if (gate.TopGroups * (experts / gate.Groups) < gate.TopK)
        {
            yield return $"{nameof(gate.TopGroups)} is {gate.TopGroups}: {gate.TopGroups * (experts / gate.Groups)} experts are in that many of "
                + $"{gate.Groups} groups, less than {nameof(gate.TopK)} {gate.TopK}.";
        }
    }

    private static IEnumerable<string> SecondChoice(GateOptions gate)
    {
        bool drawn = gate.SecondChoiceNoise > 0;
        string given = $"{nameof(gate.SecondChoiceNoise)} is {gate.SecondChoiceNoise}, but ";
        return ConfigurationErrors.Of(
            (drawn && gate.TopK < 2, given + $"{nameof(gate.TopK)} is {gate.TopK}; there is no second choice."),
            (drawn && gate.Scores != GateScores.Softmax, given + $"{nameof(gate.Scores)} is {gate.Scores}; it needs softmax scores."),
            (drawn && gate.Balance == BalanceLossKind.LoadImportance,
                given + $"{nameof(gate.Balance)} is {gate.Balance}; a drawn choice is no threshold for the others."));
    }

    private static IEnumerable<string> Losses(GateOptions gate)
    {
        bool load = gate.Balance == BalanceLossKind.LoadImportance;
        string given = $"{nameof(gate.Balance)} is {gate.Balance}, but ";
        return ConfigurationErrors.Of(
            (load && gate.Noise == 0, given + $"{nameof(gate.Noise)} is 0; the load is a probability over the noise."),
            (load && gate.Scores != GateScores.Softmax, given + $"{nameof(gate.Scores)} is {gate.Scores}; it needs softmax scores."),
            (load && gate.Groups > 1,
                given + $"{nameof(gate.Groups)} is {gate.Groups}; with groups a token's last choice is no threshold for the others."),
            (gate.BiasUpdateRate > 0 && gate.Scores != GateScores.Sigmoid,
                $"{nameof(gate.BiasUpdateRate)} is {gate.BiasUpdateRate}, but {nameof(gate.Scores)} is {gate.Scores}; bias balancing needs sigmoid scores."));
    }
}
