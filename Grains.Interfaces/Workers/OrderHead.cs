namespace MoEActors.Grains.Interfaces.Workers;

/// <summary>Where an order belongs. Its host reads this before it takes the order.</summary>
/// <param name="Model">The model.</param>
/// <param name="Term">The coordinator's reign.</param>
/// <param name="Epoch">The agreement on members and map.</param>
/// <param name="Number">Number of the order within the term; orders run in this order.</param>
[GenerateSerializer]
[Immutable]
[Alias("moe.order.head")]
public readonly record struct OrderHead(
    [property: Id(0)] string Model, [property: Id(1)] long Term, [property: Id(2)] long Epoch, [property: Id(3)] long Number);
