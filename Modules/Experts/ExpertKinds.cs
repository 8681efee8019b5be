namespace MoEActors.Modules.Experts;

/// <summary>The experts that a configuration can name.</summary>
public static class ExpertKinds
{
    private static readonly IExpertKind[] All = [new SwiGluExpert(), new GeluExpert()];

    /// <summary>The names, in order.</summary>
    public static IEnumerable<string> Names => All.Select(kind => kind.Name);

    /// <summary>The expert called <paramref name="name"/>.</summary>
    /// <exception cref="ArgumentException">There is none.</exception>
    public static IExpertKind Get(string name) =>
        All.FirstOrDefault(kind => kind.Name == name)
        ?? throw new ArgumentException($"There is no expert called '{name}'; there are {string.Join(", ", Names)}.", nameof(name));
}
