using System.Collections.Concurrent;
using Orleans.Runtime.Placement;

namespace MoEActors.Tests.Runtime.Grains;

/// <summary>Answers from a map in memory, as the product's director does, and remembers what it was asked.</summary>
public sealed class PinnedPlacementDirector : IPlacementDirector
{
    public static ConcurrentDictionary<string, SiloAddress> Map { get; } = new();

    public static ConcurrentQueue<Question> Questions { get; } = new();

    public Task<SiloAddress> OnAddActivation(PlacementStrategy strategy, PlacementTarget target, IPlacementContext context)
    {
        string key = target.GrainIdentity.Key.ToString()!;
        Dictionary<string, object>? request = target.RequestContextData;
        object? color = null;
        request?.TryGetValue("color", out color);
        Questions.Enqueue(new Question(key, context.LocalSilo, color as string, TaskScheduler.Current == TaskScheduler.Default));
        SiloAddress[] silos = context.GetCompatibleSilos(target);
        if (IPlacementDirector.GetPlacementHint(request!, silos) is { } hinted)
        {
            return Task.FromResult(hinted);
        }

        return Map.TryGetValue(key, out SiloAddress? silo)
            ? Task.FromResult(silo)
            : throw new InvalidOperationException($"The map does not say where {key} belongs.");
    }

    public sealed record Question(string Key, SiloAddress AskedOn, string? Color, bool IsOutsideGrains);
}
