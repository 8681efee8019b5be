using System.Collections.Concurrent;
using Microsoft.Extensions.DependencyInjection;
using Orleans.Hosting;
using Orleans.Runtime.Placement;

namespace Orleans.Runtime;

/// <summary>Has grains placed that have no activation. Calls that come meanwhile wait, and share what the first one decides.</summary>
internal sealed class Placer(LocalCluster cluster)
{
    private readonly ConcurrentDictionary<GrainId, List<Request>> _underWay = new();

    public void Place(Request request)
    {
        List<Request> fresh = [request];
        List<Request> waiting = _underWay.GetOrAdd(request.Target, fresh);
        if (ReferenceEquals(waiting, fresh))
        {
            // Outside of any grain, and never on the caller's thread.
            ThreadPool.UnsafeQueueUserWorkItem(static state => _ = state.Item1.PlaceAsync(state.Item2), (this, waiting), preferLocal: true);
            return;
        }

        lock (waiting)
        {
            if (waiting.Count > 0)
            {
                waiting.Add(request);
                return;
            }
        }

        // The placement ended just now, so there is an activation.
        cluster.Deliver(request);
    }

    private async Task PlaceAsync(List<Request> waiting)
    {
        Request first = waiting[0];
        try
        {
            GrainClass grainClass = GrainClasses.Named(first.Target.Type);
            Silo silo = await PickAsync(first, grainClass);
            Activation activation = cluster.FindOrCreate(first.Target, grainClass, silo, first.Context);
            foreach (Request request in End(waiting))
            {
                if (!activation.TryReceive(request))
                {
                    cluster.Deliver(request);
                }
            }
        }
        catch (Exception exception)
        {
            foreach (Request request in End(waiting))
            {
                request.Reject(exception);
            }
        }
    }

    private async Task<Silo> PickAsync(Request request, GrainClass grainClass)
    {
        Silo from = request.Sender.Silo is { Status: SiloStatus.Active } local
            ? local
            : cluster.Membership.FirstActive() ?? throw new SiloUnavailableException($"No silo is active, so {request.Target} cannot be called.");
        IPlacementDirector director = from.Services.GetKeyedService<IPlacementDirector>(grainClass.Strategy.GetType())
            ?? throw new InvalidOperationException($"No placement director was added for {grainClass.Strategy.GetType()}, which places {grainClass.Class}.");
        // Without a request context there is null, as with Orleans.
        var target = new PlacementTarget(request.Target, request.Context!, request.Interface.Type, 0);
        SiloAddress picked = await director.OnAddActivation(grainClass.Strategy, target, new PlacementContext(from));
        return cluster.Membership.Find(picked) is { IsAlive: true } silo
            ? silo
            : throw new SiloUnavailableException($"{request.Target} was to be placed on {picked}, which is not there.");
    }

    private Request[] End(List<Request> waiting)
    {
        _underWay.TryRemove(KeyValuePair.Create(waiting[0].Target, waiting));
        lock (waiting)
        {
            Request[] requests = [.. waiting];
            waiting.Clear();
            return requests;
        }
    }
}
