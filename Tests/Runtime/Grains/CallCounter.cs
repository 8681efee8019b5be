using System.Collections.Concurrent;

namespace MoEActors.Tests.Runtime.Grains;

/// <summary>Counts the calls between this project's grains and services, and none of the runtime's own.</summary>
public sealed class CallCounter
{
    private static readonly string Ours = typeof(CallCounter).Namespace!;

    public ConcurrentDictionary<string, int> Incoming { get; } = new();

    public ConcurrentDictionary<string, int> Outgoing { get; } = new();

    public bool HasStarted { get; private set; }

    public Task Started()
    {
        HasStarted = true;
        return Task.CompletedTask;
    }

    public static void Count(ConcurrentDictionary<string, int> counts, IGrainCallContext call)
    {
        if (call.InterfaceMethod.DeclaringType?.Namespace == Ours)
        {
            counts.AddOrUpdate($"{call.InterfaceMethod.DeclaringType.Name}.{call.MethodName}", 1, (_, count) => count + 1);
        }
    }
}
