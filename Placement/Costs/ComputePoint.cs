namespace MoEActors.Placement.Costs;

/// <summary>One measurement of an expert's forward pass.</summary>
/// <param name="Rows">Rows of the batch.</param>
/// <param name="Seconds">Time, in seconds.</param>
public readonly record struct ComputePoint(long Rows, double Seconds);
