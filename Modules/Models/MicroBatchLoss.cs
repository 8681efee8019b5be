namespace MoEActors.Modules.Models;

/// <summary>The losses of one micro-batch.</summary>
/// <param name="CrossEntropySum">Σ of the tokens' cross-entropy, nats.</param>
/// <param name="Auxiliary">Σ over layers of the weighted balance and z-losses.</param>
public readonly record struct MicroBatchLoss(double CrossEntropySum, double Auxiliary);
