namespace MoEActors.Placement;

/// <summary>A placement that cannot work. The message names the layer, expert or worker, and what to do.</summary>
/// <param name="message">What is wrong, where, and what to do.</param>
public sealed class PlacementException(string message) : Exception(message);
