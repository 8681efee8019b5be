using MoEActors.Modules.Gates;
using MoEActors.Modules.Kinds;
using MoEActors.Modules.Parameters;

namespace MoEActors.Modules.KindChecks;

/// <summary>
/// Checks what the library takes for granted of a kind of gate: that it is as wide as its layer, that a token has distinct experts and finite
/// weights, that padding has none, that every gradient is the slope of weights and losses, that counts and losses add up, that the same rows are routed
/// alike, that no rows are no mistake. It takes some milliseconds; silos check the kinds that are added to them.
/// </summary>
public static class GateKindCheck
{
    private const string Sort = "gate";
    private const float Base = 0.75f;
    private const float OtherPoison = 7.5f;
    private const ulong Key = 11;

    /// <summary>Checks a kind.</summary>
    /// <param name="kind">The kind.</param>
    /// <param name="options">
    /// The policy, for five experts; unless given, the first of some usual ones that the kind can work with. Where it can work with none of those, and none
    /// is given, nothing is checked.
    /// </param>
    /// <exception cref="KindException">Something is wrong, and what; or the kind has thrown something, which is the inner exception.</exception>
    public static void Run(IGateKind kind, GateOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(kind);
        GateOptions? policy = null;
        Complaints.Throw(Sort, kind.Name, seed =>
        {
            policy ??= options ?? Usual(kind.Name).FirstOrDefault(usual => !GateValidator.Of(usual, GateTrial.Experts).Concat(kind.Errors(usual)).Any());
            if (policy is null)
            {
                return null;
            }

            using var trial = new GateTrial(kind, policy, seed);
            return Complaint(trial);
        });
    }

    private static IEnumerable<GateOptions> Usual(string kind)
    {
        var softmax = new GateOptions { Kind = kind, TopK = 2, ProjectionDim = 6, BalanceCoefficient = 0.5f, ZCoefficient = 0.1f };
        return [softmax, softmax with { Scores = GateScores.Sigmoid }, softmax with { CapacityFactor = 1 }, softmax with { TopK = 1 }];
    }

    private static string? Complaint(GateTrial trial)
    {
        if (trial.Gate.Routing.Experts != GateTrial.Experts)
        {
            return $"it is as wide as {trial.Gate.Routing.Experts} experts in a layer of {GateTrial.Experts}.";
        }

        GateResult first = trial.Run(float.NaN);
        return Choices(trial, first)
            ?? Numbers(trial, first)
            ?? Unrepeatable(trial, first, trial.Run(OtherPoison), "from the same rows")
            ?? Choices(trial, trial.Run(float.NaN, key: Key))
            ?? Unrepeatable(trial, trial.Run(float.NaN, key: Key), trial.Run(OtherPoison, key: Key), "with the same key of random numbers")
            ?? Unadded(trial, first, trial.Run(float.NaN, Base))
            ?? Slopes(trial, trial.Run(float.NaN))
            ?? Nothing(trial);
    }

    private static string? Choices(GateTrial trial, GateResult result)
    {
        int rows = GateTrial.Valid.Length;
        if (result.Rows != rows || result.K < 1 || result.Weights.Length != rows * result.K)
        {
            return $"it routed {result.Rows} rows to {result.K} experts each, with {result.Weights.Length} weights; "
                + $"there were {rows} rows, and there must be as many weights as rows times experts of a row.";
        }

        for (int row = 0; row < rows; row++)
        {
            int[] experts = result.Row(row);
            bool token = GateTrial.Valid[row] == 1;
            string who = $"row {row} got experts {string.Join(", ", experts)}";
            if (experts.Any(expert => expert < 0 || expert >= GateTrial.Experts))
            {
                return $"{who}; there are {GateTrial.Experts}, and -1 for none.";
            }

            if (experts.Distinct().Count() < experts.Length)
            {
                return $"{who}: one of them twice.";
            }

            if (!token && experts.Length > 0)
            {
                return $"{who}, but it is padding, which has none.";
            }

            // Where experts choose, a token may have none; they have equally many tokens then.
            if (token && experts.Length == 0 && (result.Choices.All(expert => expert < 0) || trial.Gate.Routing.ChosenTokens.Distinct().Count() > 1))
            {
                return $"the token of row {row} got no expert, and experts got different numbers of tokens: neither chooses all that it should.";
            }
        }

        return Counts(trial.Gate.Routing, result);
    }

    private static string? Counts(Routing routing, GateResult result)
    {
        for (int expert = 0; expert < GateTrial.Experts; expert++)
        {
            int chosen = result.Choices.Count(choice => choice == expert);
            int kept = result.Choices.Zip(result.Kept).Count(choice => choice.First == expert && choice.Second);
            if (routing.ChosenTokens[expert] != chosen || routing.KeptTokens[expert] != kept)
            {
                return $"it counts {routing.ChosenTokens[expert]} tokens that chose expert {expert}, {routing.KeptTokens[expert]} of them with a slot; they are "
                    + $"{chosen} and {kept} (Routing.AssignSlots counts them).";
            }
        }

        return null;
    }

    private static string? Losses(Routing routing)
    {
        double losses = routing.Losses.Sum(loss => loss.Coefficient * loss.Value);
        return !double.IsFinite(routing.AuxiliaryLoss) || Math.Abs(losses - routing.AuxiliaryLoss) > 1e-5 * (1 + Math.Abs(losses))
            ? FormattableString.Invariant($"its auxiliary loss is {routing.AuxiliaryLoss:G5}, its losses by name times their coefficients are {losses:G5}.")
            : null;
    }

    private static string? Numbers(GateTrial trial, GateResult result)
    {
        string? found = Complaints.Undefined("a weight", result.Weights)
            ?? Complaints.Undefined("the gradient of its tokens", result.InputGradient);
        for (int i = 0; found is null && i < result.Choices.Length; i++)
        {
            found = result.Choices[i] < 0 && result.Weights[i] != 0 ? $"row {i / result.K} has a weight where it has no expert." : null;
        }

        return found
            ?? Losses(trial.Gate.Routing)
            ?? OfGradients(trial, (what, tensor) => Complaints.Undefined(what, result.Gradients[tensor]));
    }

    private static string? Unrepeatable(GateTrial trial, GateResult first, GateResult second, string from)
    {
        string when = $"{from}: it follows from time, chance, or memory that was not written";
        return !first.Choices.SequenceEqual(second.Choices)
            ? $"it chose differently {when}."
            : Complaints.Differing("a weight", first.Weights, second.Weights, when)
                ?? Complaints.Differing("the gradient of its tokens", first.InputGradient, second.InputGradient, when)
                ?? OfGradients(trial, (what, tensor) => Complaints.Differing(what, first.Gradients[tensor], second.Gradients[tensor], when));
    }

    private static string? Unadded(GateTrial trial, GateResult first, GateResult added) =>
        Complaints.NotAdded(
            "the gradient of its tokens", first.InputGradient, added.InputGradient, Base, "it must be written as Tape.GradientToWrite says.")
        ?? OfGradients(trial, (what, tensor) => Complaints.NotAdded(
            what, first.Gradients[tensor], added.Gradients[tensor], Base, "it must be added, a step has several micro-batches."));

    private static string? Slopes(GateTrial trial, GateResult first)
    {
        double? Loss() => trial.Loss(first.Choices);
        string? found = Complaints.Slope("its tokens", trial.Input, () => { }, first.InputGradient, Loss);
        return found ?? OfGradients(trial, (_, tensor) =>
        {
            Parameter parameter = trial.Block.Parameters[tensor];
            float[] values = trial.Values(parameter);
            return Complaints.Slope($"'{parameter.Shape.Name}'", values, () => trial.Write(parameter, values), first.Gradients[tensor], Loss);
        });
    }

    /// <summary>A worker may have no rows, or padding alone, and a step ends: what that throws is reported.</summary>
    private static string? Nothing(GateTrial trial)
    {
        foreach (int[] none in new[] { [], new int[3] })
        {
            trial.Run(float.NaN, valid: none);
            if (trial.Gate.Routing.AuxiliaryLoss != 0 || trial.Gate.Routing.KeptRows != 0)
            {
                return $"of {none.Length} rows that are padding it has {trial.Gate.Routing.KeptRows} to send and an auxiliary loss of "
                    + FormattableString.Invariant($"{trial.Gate.Routing.AuxiliaryLoss:G5}; both are 0 without tokens.");
            }
        }

        return Complaints.Undefined("a tensor after the end of a step", trial.EndStep());
    }

    /// <summary>The first complaint of the gradients of trained tensors.</summary>
    private static string? OfGradients(GateTrial trial, Func<string, int, string?> complaint) =>
        trial.Block.Parameters.Select((parameter, tensor) => parameter.Shape.Trained ? complaint($"the gradient of '{parameter.Shape.Name}'", tensor) : null)
            .FirstOrDefault(found => found is not null);
}
