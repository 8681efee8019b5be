using MoEActors.Modules.Experts;
using MoEActors.Modules.Gates;
using MoEActors.Modules.Kinds;
using MoEActors.Modules.Parameters;

namespace MoEActors.Modules.Models;

/// <summary>
/// The kinds that names in a model's configuration refer to: the library's experts and gates, and those that were added. Immutable. Every
/// silo and every client of a cluster must have the kinds that its models name, of the same code.
/// </summary>
public sealed class ModelKinds
{
    private ModelKinds(KindList<IExpertKind> experts, KindList<IGateKind> gates)
    {
        Experts = experts;
        Gates = gates;
    }

    /// <summary>Those of the library.</summary>
    public static ModelKinds BuiltIn { get; } = new(ExpertKinds.BuiltIn, GateKinds.BuiltIn);

    /// <summary>What <c>expert</c> may name.</summary>
    public KindList<IExpertKind> Experts { get; }

    /// <summary>What <c>gate.kind</c> may name.</summary>
    public KindList<IGateKind> Gates { get; }

    /// <summary>These and more.</summary>
    /// <exception cref="ArgumentException">A name is taken, or no name for a configuration.</exception>
    public ModelKinds With(IEnumerable<IExpertKind> experts, IEnumerable<IGateKind> gates) => new(
        experts.Aggregate(Experts, (all, kind) => all.With(kind)), gates.Aggregate(Gates, (all, kind) => all.With(kind)));
}

/// <summary>What is wrong with the tensors that a kind of expert or gate declares. Found when a model is configured, not when it is built.</summary>
internal static class KindValidator
{
    /// <summary>Errors of the kinds that a configuration names.</summary>
    public static IEnumerable<string> InTensors(ModelConfiguration model)
    {
        string expert = $"{nameof(model.Expert)} is '{model.Expert}'";
        IReadOnlyList<ParameterShape> shapes = ModelLayout.Expert(model);

        // Layers with as many experts are alike: the work does not grow with their number.
        ModelConfiguration one = model with { Experts = [.. model.Experts.Distinct()] };
        return (shapes.Count > 0 ? Of(shapes, expert) : [$"{expert}, which declares no tensor; an expert needs at least one."])
            .Concat(Of(ModelLayout.Dense(one), $"{nameof(model.Gate)} is of {nameof(GateOptions.Kind)} '{model.Gate.Kind}'"));
    }

    private static IEnumerable<string> Of(IReadOnlyList<ParameterShape> shapes, string who)
    {
        foreach (ParameterShape shape in shapes.Where(shape => shape.Rows < 1 || shape.Columns < 1))
        {
            yield return $"{who}, whose tensor '{shape.Name}' is [{shape.Rows}, {shape.Columns}]; it needs at least one element.";
        }

        foreach (ParameterShape shape in shapes.Where(shape => (long)shape.Rows * shape.Columns > int.MaxValue))
        {
            yield return $"{who}, but tensor '{shape.Name}' would be [{shape.Rows}, {shape.Columns}]: an operation takes at most {int.MaxValue} elements.";
        }

        foreach (string name in shapes.GroupBy(shape => shape.Name).Where(group => group.Key.Length == 0 || group.Count() > 1).Select(group => group.Key))
        {
            yield return name.Length == 0 ? $"{who}, which has a tensor without a name." : $"{who}, but '{name}' is the name of two tensors.";
        }
    }
}
