using Microsoft.Extensions.DependencyInjection;
using Orleans.Hosting;
using Orleans.Runtime.Placement;

namespace Orleans.Runtime;

/// <summary>Brings activations from silo to silo.</summary>
internal sealed class Mover(LocalCluster cluster)
{
    /// <summary>Asks the grain's director, on the grain's silo and, unlike for a grain's first placement, in the grain's own time.</summary>
    public static async Task<SiloAddress> PickAsync(Activation activation, Dictionary<string, object>? context)
    {
        PlacementStrategy strategy = activation.Class!.Strategy;
        var director = activation.Silo.Services.GetRequiredKeyedService<IPlacementDirector>(strategy.GetType());
        var target = new PlacementTarget(activation.GrainId, context!, default, 0);
        return await director.OnAddActivation(strategy, target, new PlacementContext(activation.Silo));
    }

    /// <summary>
    /// Begins an activation on <paramref name="to"/> in the place of <paramref name="from"/>. When this returns, it has begun its life, or
    /// failed to: that is for its callers to find out.
    /// </summary>
    public async Task MoveAsync(Activation from, SiloAddress to, MigrationContext luggage, CancellationToken cancellationToken)
    {
        LocalFault fault = cluster.FaultOf(new LocalCall(
            from.GrainId, from.Silo.SiloAddress, from.GrainId, typeof(IGrainMigrationParticipant).FullName!, nameof(IGrainMigrationParticipant.OnRehydrate)));
        if (fault is LocalFault.LoseRequest)
        {
            await Task.Delay(Timeout.InfiniteTimeSpan, cancellationToken);
        }

        if (fault is LocalFault.Unavailable || cluster.Membership.Find(to) is not { Status: SiloStatus.Active } silo)
        {
            throw new SiloUnavailableException($"{from.GrainId} was to move to {to}, which is not there.");
        }

        Activation arrived = cluster.Replace(from, silo, luggage);
        if (fault is LocalFault.LoseReply)
        {
            await Task.Delay(Timeout.InfiniteTimeSpan, cancellationToken);
        }

        await arrived.Settled.WaitAsync(cancellationToken);
        if (!silo.IsAlive)
        {
            throw new SiloUnavailableException($"{to} died while {from.GrainId} moved there.");
        }
    }
}
