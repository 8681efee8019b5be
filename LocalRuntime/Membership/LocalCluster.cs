using System.Collections.Concurrent;
using System.Net;
using Microsoft.Extensions.DependencyInjection;
using Orleans.Runtime;

namespace Orleans.Hosting;

/// <summary>
/// A cluster inside this process: its membership, its directory, its clock. Not part of Orleans: silos of several hosts join one by
/// <see cref="LocalHostingExtensions.UseLocalCluster(ISiloBuilder, LocalCluster, string)"/>.
/// </summary>
public sealed class LocalCluster
{
    private readonly ConcurrentDictionary<GrainId, Activation> _directory = new();
    private readonly ConcurrentDictionary<string, int> _ports = new();
    private readonly LocalClusterOptions _options;
    private readonly Placer _placer;
    private readonly Lazy<ClusterClient> _client;
    private int _generation;

    /// <summary>A cluster without silos.</summary>
    public LocalCluster(LocalClusterOptions? options = null)
    {
        _options = options ?? new LocalClusterOptions();
        _placer = new Placer(this);
        Mover = new Mover(this);
        _client = new Lazy<ClusterClient>(
            () => NewClient(new ServiceCollection().BuildServiceProvider(), _options.ClientResponseTimeout, new Lazy<IOutgoingGrainCallFilter[]>([])));
    }

    /// <summary>A client outside of all silos, which no silo's death takes away.</summary>
    public IClusterClient Client => _client.Value;

    /// <summary>The silos that are active.</summary>
    public IReadOnlyList<SiloAddress> ActiveSilos => Membership.ActiveAddresses;

    internal string ClusterId => _options.ClusterId;

    internal TimeProvider TimeProvider => _options.TimeProvider;

    internal int Seed => _options.Seed;

    internal ClusterMembership Membership { get; } = new();

    internal Mover Mover { get; }

    /// <summary>
    /// Ends a silo as a crash does: its activations vanish, calls to it fail, the survivors hear of it, and some of their healthy grains
    /// are deactivated because the part of the directory that knew them is lost. Says whether the silo was alive.
    /// </summary>
    public bool KillSilo(SiloAddress address) => Membership.Find(address) is { } silo && Bury(silo, _options.DirectoryFailureShare);

    /// <summary>
    /// Loses what the directory knows of a grain, as can happen to Orleans when silos come and go: its activation lives on, and the next
    /// call begins a second one unless it is placed on the same silo. Says whether there was one.
    /// </summary>
    public bool LoseDirectoryEntry(GrainId grain) => _directory.TryRemove(grain, out _);

    internal ClusterClient NewClient(IServiceProvider services, TimeSpan timeout, Lazy<IOutgoingGrainCallFilter[]> filters) =>
        new(new CallDispatcher(this, null, timeout, filters), services);

    internal Silo Admit(string name, IServiceProvider services)
    {
        int port = _ports.GetOrAdd(name, _ => 11111 + _ports.Count);
        var address = SiloAddress.New(IPAddress.Loopback, port, Interlocked.Increment(ref _generation));
        var silo = new Silo(this, name, address, services);
        Membership.Add(silo);
        return silo;
    }

    /// <summary>The last act of a graceful stop.</summary>
    internal void Bury(Silo silo) => Bury(silo, _options.DirectoryFailureShare / 2);

    internal void Deliver(Request request)
    {
        LocalFault fault = FaultOf(new LocalCall(
            request.SourceId, request.Sender.Silo?.SiloAddress, request.Target, request.Interface.Name, request.Method.Method.Name));
        switch (fault)
        {
            case LocalFault.LoseRequest:
                return;
            case LocalFault.Unavailable:
                request.Reject(new OrleansMessageRejectionException($"The silo of {request.Target} cannot be reached."));
                return;
            default:
                request.LosesReply |= fault is LocalFault.LoseReply;
                break;
        }

        if (request.TargetSilo is not null)
        {
            DeliverToService(request, request.TargetSilo);
            return;
        }

        while (_directory.TryGetValue(request.Target, out Activation? activation))
        {
            if (activation.TryReceive(request))
            {
                return;
            }

            _directory.TryRemove(KeyValuePair.Create(request.Target, activation));
        }

        _placer.Place(request);
    }

    /// <summary>Sends on what waited for an activation that has ended. A silo that is named creates the next one, without asking a director.</summary>
    internal void Forward(Request request, SiloAddress? to)
    {
        if (to is null)
        {
            Deliver(request);
        }
        else if (Membership.Find(to) is not { Status: SiloStatus.Active } silo)
        {
            request.Reject(new SiloUnavailableException($"{request.Target} was to move to {to}, which is not there."));
        }
        else if (!FindOrCreate(request.Target, GrainClasses.Named(request.Target.Type), silo, request.Context).TryReceive(request))
        {
            Deliver(request);
        }
    }

    /// <summary>Begins an activation on <paramref name="silo"/> in the place of one that leaves; or finds the one that is there already.</summary>
    internal Activation Replace(Activation leaving, Silo silo, MigrationContext luggage)
    {
        var fresh = new Activation(silo, leaving.GrainId, leaving.Class!, luggage);
        if (silo.Find(leaving.GrainId) is { } present)
        {
            return present;
        }

        if (!_directory.TryUpdate(leaving.GrainId, fresh, leaving) && !_directory.TryAdd(leaving.GrainId, fresh))
        {
            return Find(leaving.GrainId) ?? leaving;
        }

        silo.Remember(fresh);
        fresh.Activate(null);
        return fresh;
    }

    internal LocalFault FaultOf(LocalCall call) => _options.Faults?.Invoke(call) ?? LocalFault.None;

    /// <summary>The grain's activation: the one there is, or a new one on <paramref name="silo"/>.</summary>
    internal Activation FindOrCreate(GrainId grain, GrainClass grainClass, Silo silo, Dictionary<string, object>? context)
    {
        Activation? forgotten = silo.Find(grain);
        Activation fresh = forgotten ?? new Activation(silo, grain, grainClass);
        Activation registered = _directory.GetOrAdd(grain, fresh);
        if (ReferenceEquals(registered, fresh) && forgotten is null)
        {
            silo.Remember(fresh);
            fresh.Activate(context);
        }

        return registered;
    }

    internal Activation? Find(GrainId grain) => _directory.GetValueOrDefault(grain);

    internal void Forget(Activation activation) => _directory.TryRemove(KeyValuePair.Create(activation.GrainId, activation));

    private void DeliverToService(Request request, SiloAddress address)
    {
        Silo? silo = Membership.Find(address);
        if (silo is not { IsAlive: true })
        {
            request.Reject(new SiloUnavailableException($"The silo {address} is not there, so {request.Target} cannot be called."));
        }
        else if (silo.FindService(request.Target) is not { } service)
        {
            request.Reject(new SiloUnavailableException($"The silo {address} has no grain service {request.Target}."));
        }
        else
        {
            service.TryReceive(request);
        }
    }

    private bool Bury(Silo silo, double share)
    {
        if (!Membership.Set(silo, SiloStatus.Dead))
        {
            return false;
        }

        foreach (Activation activation in silo.TakeAll())
        {
            Forget(activation);
            activation.Vanish(() => new SiloUnavailableException($"The silo {silo.SiloAddress} died while {activation.GrainId} was called."));
        }

        var reason = new DeactivationReason(
            DeactivationReasonCode.DirectoryFailure, $"The part of the directory that knew this activation was on {silo.SiloAddress}, which is gone.");
        foreach (Activation activation in _directory.Values)
        {
            if (StableHash.Of($"{silo.SiloAddress}{activation.GrainId}") < share * uint.MaxValue)
            {
                activation.Deactivate(reason);
            }
        }

        return true;
    }
}
