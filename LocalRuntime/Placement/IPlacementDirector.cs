namespace Orleans.Runtime.Placement;

/// <summary>Picks the silo of a new activation, on the silo of whoever called first.</summary>
public interface IPlacementDirector
{
    /// <summary>The name of the value of the request context that proposes a silo.</summary>
    const string PlacementHintKey = nameof(PlacementHintKey);

    /// <summary>The silo that the request context proposes, if it may host the grain.</summary>
    static SiloAddress? GetPlacementHint(Dictionary<string, object>? requestContextData, SiloAddress[] compatibleSilos) =>
        requestContextData is not null && requestContextData.TryGetValue(PlacementHintKey, out object? hint)
            && hint is SiloAddress silo && compatibleSilos.Contains(silo)
            ? silo
            : null;

    /// <summary>Picks the silo.</summary>
    Task<SiloAddress> OnAddActivation(PlacementStrategy strategy, PlacementTarget target, IPlacementContext context);
}
