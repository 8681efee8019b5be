namespace MoEActors.Grains.Interfaces.Workers;

/// <summary>A tensor that is not finite.</summary>
/// <param name="MicroBatch">The first micro-batch after which its gradient was not; −1 for its values.</param>
/// <param name="Layer">The layer; −1 for what belongs to none.</param>
/// <param name="Expert">The expert; −1 for a dense tensor.</param>
/// <param name="Tensor">Its full name.</param>
[GenerateSerializer]
[Immutable]
[Alias("moe.report.nonfinite")]
public readonly record struct NonFinitePart(
    [property: Id(0)] int MicroBatch, [property: Id(1)] int Layer, [property: Id(2)] int Expert, [property: Id(3)] string Tensor);
