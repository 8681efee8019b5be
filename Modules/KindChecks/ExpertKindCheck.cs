using MoEActors.Modules.Experts;
using MoEActors.Modules.Kinds;
using MoEActors.Modules.Parameters;

namespace MoEActors.Modules.KindChecks;

/// <summary>
/// Checks what the library takes for granted of a kind of expert: that every gradient is the slope of what forward computes, that everything
/// is written and nothing read that was not, that a row depends on itself alone, that no rows and no experts are no mistake, that slices add up to the expert
/// where it says how to cut it. A kind that is wrong trains all
/// the same, only not well. It takes some milliseconds; silos check the kinds that are added to them.
/// </summary>
public static class ExpertKindCheck
{
    private const string Sort = "expert";
    private const float Base = 0.75f;
    private const float OtherPoison = 7.5f;

    /// <summary>Checks a kind.</summary>
    /// <param name="kind">The kind.</param>
    /// <param name="dim">Model features of the experts that are tried.</param>
    /// <param name="hidden">Their hidden features.</param>
    /// <exception cref="KindException">Something is wrong, and what; or the kind has thrown something, which is the inner exception.</exception>
    public static void Run(IExpertKind kind, int dim = 4, int hidden = 8)
    {
        ArgumentNullException.ThrowIfNull(kind);
        Complaints.Throw(Sort, kind.Name, seed =>
        {
            using var trial = new ExpertTrial(kind, dim, hidden, seed);
            return Complaint(trial);
        });
    }

    private static string? Complaint(ExpertTrial trial)
    {
        ExpertResult first = trial.Run(float.NaN);
        return Unwritten(trial, first)
            ?? Unrepeatable(trial, first, trial.Run(OtherPoison))
            ?? Unadded(trial, first, trial.Run(Base, Accumulation.Add))
            ?? Neighbours(trial, first)
            ?? Nothing(trial)
            ?? (trial.SumOfSlices() is { } sum ? Complaints.NotSum("its output", first.Output, sum) : null)
            ?? Slopes(trial, first);
    }

    private static string? Unwritten(ExpertTrial trial, ExpertResult first) =>
        Complaints.Undefined("its output", first.Output)
        ?? Complaints.Undefined("the gradient of its input", first.InputGradient)
        ?? OfGradients(trial, first, Complaints.Undefined)
        ?? Complaints.Differing("its input", trial.Input, first.Input, "afterwards; others read it")
        ?? Complaints.Differing("the gradient of its output", trial.OutputGradient, first.OutputGradient, "afterwards; others read it");

    private static string? Unrepeatable(ExpertTrial trial, ExpertResult first, ExpertResult second)
    {
        const string when = "from the same rows: it follows from time, chance, or memory that was not written";
        return Complaints.Differing("its output", first.Output, second.Output, when)
            ?? Complaints.Differing("the gradient of its input", first.InputGradient, second.InputGradient, when)
            ?? OfGradients(trial, second, (what, gradient, expert, tensor) => Complaints.Differing(what, first.Gradients[expert][tensor], gradient, when));
    }

    private static string? Unadded(ExpertTrial trial, ExpertResult first, ExpertResult added) =>
        Complaints.NotAdded("its output", first.Output, added.Output, Base, "it must be written as OutputAccumulation says.")
        ?? Complaints.NotAdded("the gradient of its input", first.InputGradient, added.InputGradient, Base, "it must be written as InputAccumulation says.")
        ?? OfGradients(trial, added, (what, gradient, expert, tensor) =>
            Complaints.NotAdded(what, first.Gradients[expert][tensor], gradient, Base, "it must be added, a step has several micro-batches."));

    /// <summary>The first row without the others.</summary>
    private static string? Neighbours(ExpertTrial trial, ExpertResult all)
    {
        const string when = "without the other rows: a row must follow from itself and its expert alone, or results depend on the number of workers";
        ExpertResult alone = trial.Run(float.NaN, segments: [1, 0, 0, 0, 0, 0]);
        return Complaints.Differing("its output", all.Output[..trial.Dim], alone.Output, when)
            ?? Complaints.Differing("the gradient of its input", all.InputGradient[..trial.Dim], alone.InputGradient, when);
    }

    /// <summary>A worker may have no rows, or no expert: what that throws is reported.</summary>
    private static string? Nothing(ExpertTrial trial)
    {
        ExpertResult nothing = trial.Run(float.NaN, segments: new int[ExpertTrial.Segments.Length]);
        trial.Run(float.NaN, segments: [], experts: 0);
        return OfGradients(trial, nothing, (what, gradient, _, _) =>
            gradient.Any(value => value != 0) ? $"{what} is not zero without rows." : null);
    }

    private static string? Slopes(ExpertTrial trial, ExpertResult first)
    {
        string? found = Complaints.Slope("its input", trial.Input, () => { }, first.InputGradient, trial.Loss);
        for (int expert = 0; found is null && expert < trial.Blocks.Length; expert++)
        {
            IReadOnlyList<Parameter> tensors = trial.Blocks[expert].Parameters;
            for (int tensor = 0; found is null && tensor < tensors.Count; tensor++)
            {
                Parameter parameter = tensors[tensor];
                if (parameter.Shape.Trained)
                {
                    float[] values = trial.Values(parameter);
                    found = Complaints.Slope(
                        $"'{parameter.Shape.Name}'", values, () => trial.Write(parameter, values), first.Gradients[expert][tensor], trial.Loss);
                }
            }
        }

        return found;
    }

    private static string? OfGradients(ExpertTrial trial, ExpertResult result, Func<string, float[], string?> complaint) =>
        OfGradients(trial, result, (what, gradient, _, _) => complaint(what, gradient));

    /// <summary>The first complaint of the gradients of trained tensors.</summary>
    private static string? OfGradients(ExpertTrial trial, ExpertResult result, Func<string, float[], int, int, string?> complaint) =>
        trial.Blocks.SelectMany((block, expert) => block.Parameters
                .Select((parameter, tensor) => parameter.Shape.Trained
                    ? complaint($"the gradient of '{parameter.Shape.Name}'", result.Gradients[expert][tensor], expert, tensor)
                    : null))
            .FirstOrDefault(found => found is not null);
}
