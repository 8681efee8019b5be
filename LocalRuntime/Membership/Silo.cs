using System.Collections.Concurrent;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Orleans.Configuration;
using Orleans.Hosting;

namespace Orleans.Runtime;

/// <summary>One silo: its address, its services, its activations.</summary>
public sealed class Silo
{
    private readonly ConcurrentDictionary<GrainId, Activation> _activations = new();
    private readonly ConcurrentDictionary<GrainId, Activation> _services = new();
    private readonly Lazy<IIncomingGrainCallFilter[]> _filters;
    private volatile SiloStatus _status = SiloStatus.Created;

    internal Silo(LocalCluster cluster, string name, SiloAddress address, IServiceProvider services)
    {
        Cluster = cluster;
        Name = name;
        SiloAddress = address;
        Services = services;
        Logger = services.GetRequiredService<ILoggerFactory>().CreateLogger("Orleans.LocalRuntime");
        Oracle = new SiloStatusOracle(this);
        _filters = new Lazy<IIncomingGrainCallFilter[]>(() => [.. services.GetServices<IIncomingGrainCallFilter>()]);
        Dispatcher = new CallDispatcher(
            cluster,
            this,
            services.GetRequiredService<IOptions<SiloMessagingOptions>>().Value.ResponseTimeout,
            new Lazy<IOutgoingGrainCallFilter[]>(() => [.. services.GetServices<IOutgoingGrainCallFilter>()]));
    }

    /// <summary>The address of this run of the silo.</summary>
    public SiloAddress SiloAddress { get; }

    internal LocalCluster Cluster { get; }

    internal string Name { get; }

    internal IServiceProvider Services { get; }

    internal ILogger Logger { get; }

    internal SiloStatusOracle Oracle { get; }

    internal CallDispatcher Dispatcher { get; }

    internal IIncomingGrainCallFilter[] IncomingFilters => _filters.Value;

    internal SiloStatus Status
    {
        get => _status;
        set => _status = value;
    }

    internal bool IsAlive => _status is not SiloStatus.Dead;

    internal ICollection<Activation> Activations => _activations.Values;

    internal Activation? Find(GrainId grain) => _activations.GetValueOrDefault(grain);

    internal Activation? FindService(GrainId id) => _services.GetValueOrDefault(id);

    internal void Add(GrainService service)
    {
        var activation = new Activation(this, service.GrainId, service);
        service.Bind(activation);
        _services[service.GrainId] = activation;
    }

    internal void Remember(Activation activation)
    {
        _activations[activation.GrainId] = activation;
        if (!IsAlive)
        {
            // It died while the grain was placed.
            Forget(activation);
            activation.Vanish(() => new SiloUnavailableException($"The silo {SiloAddress} died while {activation.GrainId} was placed there."));
        }
    }

    internal void Forget(Activation activation)
    {
        _activations.TryRemove(KeyValuePair.Create(activation.GrainId, activation));
        Cluster.Forget(activation);
    }

    /// <summary>Everything that lives here, grain services included, which live here no more.</summary>
    internal Activation[] TakeAll()
    {
        Activation[] all = [.. _activations.Values, .. _services.Values];
        _activations.Clear();
        _services.Clear();
        return all;
    }

    /// <summary>Ends what nobody used for a while.</summary>
    internal void Collect(TimeSpan age)
    {
        var reason = new DeactivationReason(DeactivationReasonCode.ActivationIdle, $"Nobody used this activation for {age}.");
        foreach (Activation activation in _activations.Values.Where(activation => activation.IsCollectable(age)))
        {
            activation.Deactivate(reason);
        }
    }
}
