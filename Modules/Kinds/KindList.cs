namespace MoEActors.Modules.Kinds;

/// <summary>Something that a configuration refers to by name.</summary>
public interface IKind
{
    /// <summary>Name in configurations and checkpoints: lower-case letters, digits and '-', as in <c>swiglu</c>.</summary>
    string Name { get; }
}

/// <summary>The kinds of one sort that a configuration can name. Immutable: <see cref="With"/> makes another list.</summary>
/// <typeparam name="TKind">The sort.</typeparam>
public sealed class KindList<TKind>
    where TKind : class, IKind
{
    private readonly string _word;
    private readonly TKind[] _kinds;

    internal KindList(string word, params TKind[] kinds)
    {
        _word = word;
        _kinds = kinds;
    }

    /// <summary>The names, those of the library first.</summary>
    public IEnumerable<string> Names => _kinds.Select(kind => kind.Name);

    /// <summary>The kind called <paramref name="name"/>; null when there is none.</summary>
    public TKind? Find(string name) => Array.Find(_kinds, kind => kind.Name == name);

    /// <summary>The kind called <paramref name="name"/>.</summary>
    /// <exception cref="ArgumentException">There is none.</exception>
    public TKind Get(string name) =>
        Find(name) ?? throw new ArgumentException($"There is no {_word} called '{name}'; there are {string.Join(", ", Names)}.", nameof(name));

    /// <summary>These and one more.</summary>
    /// <exception cref="ArgumentException">The name is taken, or no name for a configuration.</exception>
    public KindList<TKind> With(TKind kind)
    {
        ArgumentNullException.ThrowIfNull(kind);
        string name = kind.Name;
        if (string.IsNullOrEmpty(name) || !name.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c == '-'))
        {
            throw new ArgumentException(
                $"{kind.GetType().Name} is called '{name}'; the name of {Article} {_word} has lower-case letters, digits and '-' alone.", nameof(kind));
        }

        if (Find(name) is { } other)
        {
            throw new ArgumentException(
                $"{kind.GetType().Name} is called '{name}', and so is {other.GetType().Name}; give your {_word} another name, and add it once.", nameof(kind));
        }

        return new KindList<TKind>(_word, [.. _kinds, kind]);
    }

    /// <summary>What is wrong with a name in a configuration; null for nothing.</summary>
    /// <param name="property">The property that has it.</param>
    /// <param name="name">The name.</param>
    internal string? ErrorOf(string property, string name) => Find(name) is not null
        ? null
        : $"{property} is '{name}'; it must be one of {string.Join(", ", Names)}, or {Article} {_word} of your own that is added on every silo and client.";

    private string Article => _word[0] is 'a' or 'e' or 'i' or 'o' or 'u' ? "an" : "a";
}
