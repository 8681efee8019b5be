using MoEActors.Modules.Experts;
using MoEActors.Modules.Gates;

namespace MoEActors.Modules.Kinds;

/// <summary>
/// What the names in a model's configuration stand for: the library's experts and gates, and those that were added. Never changes. Every
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
    public static ModelKinds BuiltIn { get; } = new(
        new KindList<IExpertKind>("expert", new SwiGluExpert(), new GeluExpert()),
        new KindList<IGateKind>("gate", new TopAnyGateKind(), new CosineGateKind(), new ExpertChoiceGateKind()));

    /// <summary>What <c>expert</c> may name.</summary>
    public KindList<IExpertKind> Experts { get; }

    /// <summary>What <c>gate.kind</c> may name.</summary>
    public KindList<IGateKind> Gates { get; }

    /// <summary>These and more.</summary>
    /// <exception cref="ArgumentException">A name is taken, or no name for a configuration.</exception>
    public ModelKinds With(IEnumerable<IExpertKind> experts, IEnumerable<IGateKind> gates) => new(
        experts.Aggregate(Experts, (all, kind) => all.With(kind)), gates.Aggregate(Gates, (all, kind) => all.With(kind)));
}
