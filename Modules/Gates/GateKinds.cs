namespace MoEActors.Modules.Gates;

/// <summary>The gates that a configuration can name.</summary>
public static class GateKinds
{
    private static readonly IGateKind[] All = [new TopAnyGateKind(), new CosineGateKind(), new ExpertChoiceGateKind()];

    /// <summary>The names, in order.</summary>
    public static IEnumerable<string> Names => All.Select(kind => kind.Name);

    /// <summary>The gate called <paramref name="name"/>.</summary>
    /// <exception cref="ArgumentException">There is none.</exception>
    public static IGateKind Get(string name) =>
        All.FirstOrDefault(kind => kind.Name == name)
        ?? throw new ArgumentException($"There is no gate called '{name}'; there are {string.Join(", ", Names)}.", nameof(name));
}
