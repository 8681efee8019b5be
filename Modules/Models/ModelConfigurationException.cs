namespace MoEActors.Modules.Models;

/// <summary>A model configuration that cannot work.</summary>
/// <param name="mistakes">Every mistake found, each naming its property.</param>
public sealed class ModelConfigurationException(IReadOnlyList<string> mistakes)
    : Exception($"The model's configuration cannot work: {string.Join(" ", mistakes)}")
{
    /// <summary>Every mistake found, each naming its property.</summary>
    public IReadOnlyList<string> Mistakes { get; } = mistakes;
}
