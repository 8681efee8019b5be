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
        if (gate.Kind != current.Kind)
        {
            yield return Fixed(nameof(gate.Kind), gate.Kind, current.Kind);
        }

        if (gate.Scores != current.Scores)
        {
            yield return Fixed(nameof(gate.Scores), gate.Scores, current.Scores);
        }

        if (gate.ProjectionDim != current.ProjectionDim)
        {
            yield return Fixed(nameof(gate.ProjectionDim), gate.ProjectionDim, current.ProjectionDim);
        }
    }

    /// <summary>Errors in the gate's name, and those that the gate of that name finds.</summary>
    public static IEnumerable<string> OfKind(GateOptions gate, KindList<IGateKind> kinds) =>
        kinds.ErrorOf(nameof(gate.Kind), gate.Kind) is { } error ? [error] : kinds.Get(gate.Kind).Errors(gate);

    private static string Fixed(string name, object value, object current) =>
        $"{name} is {value}; the layer was built with {current}, and this cannot change while it lives.";

    private static IEnumerable<string> Numbers(GateOptions gate, int experts)
    {
        if (gate.TopK < 1 || gate.TopK > experts)
        {
            yield return $"{nameof(gate.TopK)} is {gate.TopK}; it must be from 1 to the layer's {experts} experts.";
        }

        if (!float.IsFinite(gate.CapacityFactor) || (gate.CapacityFactor < 0 && gate.CapacityFactor != MathF.Floor(gate.CapacityFactor)))
        {
            yield return $"{nameof(gate.CapacityFactor)} is {gate.CapacityFactor}; it must be finite, and a whole number when it is negative.";
        }

        if (gate.MinimumCapacity < 0)
        {
            yield return $"{nameof(gate.MinimumCapacity)} is {gate.MinimumCapacity}; it must not be negative.";
        }

        if (gate.MinimumCapacity > 0 && gate.CapacityFactor <= 0)
        {
            yield return $"{nameof(gate.MinimumCapacity)} is {gate.MinimumCapacity}, but {nameof(gate.CapacityFactor)} is {gate.CapacityFactor}; "
                + "a least capacity needs a capacity factor above 0.";
        }

        if (!(gate.RoutedScale > 0) || !float.IsFinite(gate.RoutedScale))
        {
            yield return $"{nameof(gate.RoutedScale)} is {gate.RoutedScale}; it must be positive and finite.";
        }

        if (!(gate.Jitter >= 0 && gate.Jitter < 1))
        {
            yield return $"{nameof(gate.Jitter)} is {gate.Jitter}; it must be from 0 to below 1.";
        }

        (string Name, float Value)[] atLeastZero =
        [
            (nameof(gate.Noise), gate.Noise), (nameof(gate.SecondChoiceNoise), gate.SecondChoiceNoise), (nameof(gate.BiasUpdateRate), gate.BiasUpdateRate),
            (nameof(gate.BalanceCoefficient), gate.BalanceCoefficient), (nameof(gate.ZCoefficient), gate.ZCoefficient),
        ];
        foreach ((string name, float value) in atLeastZero.Where(entry => !(entry.Value >= 0) || !float.IsFinite(entry.Value)))
        {
            yield return $"{name} is {value}; it must be finite and not negative.";
        }
    }

    private static IEnumerable<string> Names(GateOptions gate)
    {
        if (!Enum.IsDefined(gate.Scores))
        {
            yield return $"{nameof(gate.Scores)} is {gate.Scores}; it must be one of {string.Join(", ", Enum.GetNames<GateScores>())}.";
        }

        if (!Enum.IsDefined(gate.Priority))
        {
            yield return $"{nameof(gate.Priority)} is {gate.Priority}; it must be one of {string.Join(", ", Enum.GetNames<SlotPriority>())}.";
        }

        if (!Enum.IsDefined(gate.Balance))
        {
            yield return $"{nameof(gate.Balance)} is {gate.Balance}; it must be one of {string.Join(", ", Enum.GetNames<BalanceLossKind>())}.";
        }
    }

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
        if (!(gate.SecondChoiceNoise > 0))
        {
            yield break;
        }

        string given = $"{nameof(gate.SecondChoiceNoise)} is {gate.SecondChoiceNoise}, but ";
        if (gate.TopK < 2)
        {
            yield return given + $"{nameof(gate.TopK)} is {gate.TopK}; there is no second choice.";
        }

        if (gate.Scores != GateScores.Softmax)
        {
            yield return given + $"{nameof(gate.Scores)} is {gate.Scores}; it needs softmax scores.";
        }

        if (gate.Balance == BalanceLossKind.LoadImportance)
        {
            yield return given + $"{nameof(gate.Balance)} is {gate.Balance}; a drawn choice is no threshold for the others.";
        }
    }

    private static IEnumerable<string> Losses(GateOptions gate)
    {
        if (gate.Balance == BalanceLossKind.LoadImportance)
        {
            if (gate.Noise == 0)
            {
                yield return $"{nameof(gate.Balance)} is {gate.Balance}, but {nameof(gate.Noise)} is 0; the load is a probability over the noise.";
            }

            if (gate.Scores != GateScores.Softmax)
            {
                yield return $"{nameof(gate.Balance)} is {gate.Balance}, but {nameof(gate.Scores)} is {gate.Scores}; it needs softmax scores.";
            }

            if (gate.Groups > 1)
            {
                yield return $"{nameof(gate.Balance)} is {gate.Balance}, but {nameof(gate.Groups)} is {gate.Groups}; "
                    + "with groups a token's last choice is no threshold for the others.";
            }
        }

        if (gate.BiasUpdateRate > 0 && gate.Scores != GateScores.Sigmoid)
        {
            yield return $"{nameof(gate.BiasUpdateRate)} is {gate.BiasUpdateRate}, but {nameof(gate.Scores)} is {gate.Scores}; "
                + "bias balancing needs sigmoid scores.";
        }
    }
}
