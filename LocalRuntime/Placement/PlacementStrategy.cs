namespace Orleans.Runtime;

/// <summary>Says how the activations of a grain class are placed; a director carries it out.</summary>
public abstract class PlacementStrategy
{
}
