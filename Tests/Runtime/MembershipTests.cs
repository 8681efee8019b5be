using System.Runtime.CompilerServices;
using MoEActors.Silo.Embedded;
using MoEActors.Tests.Runtime.Grains;

namespace MoEActors.Tests.Runtime;

/// <summary>Orleans: silos hear of each other's coming and going; calls to a dead one fail; its grains come back elsewhere when called.</summary>
public sealed class MembershipTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Every_silo_knows_every_silo()
    {
        await using EmbeddedSilos silos = await StartAsync(2);
        EmbeddedSilo added = await silos.AddAsync(Cancellation);

        foreach (EmbeddedSilo silo in silos.Silos)
        {
            var oracle = silo.Service<ISiloStatusOracle>();
            Assert.Equal(silo.Address, oracle.SiloAddress);
            Assert.Equal(3, oracle.GetActiveSilos().Length);
            Assert.Equal(SiloStatus.Active, oracle.GetApproximateSiloStatus(added.Address));
            Assert.True(oracle.TryGetSiloName(added.Address, out string? name));
            Assert.Equal(added.Name, name);
        }

        Assert.Equal(added.Address, SiloAddress.FromParsableString(added.Address.ToParsableString()));
    }

    [Fact]
    public async Task Survivors_hear_of_a_silo_that_is_killed_and_of_its_return_under_a_new_address()
    {
        await using EmbeddedSilos silos = await StartAsync(2);
        (EmbeddedSilo first, EmbeddedSilo second) = (silos.Silos[0], silos.Silos[1]);
        var listener = new Listener();
        Assert.True(first.Service<ISiloStatusOracle>().SubscribeToSiloStatusEvents(listener));

        await silos.KillAsync(second, Cancellation);
        await listener.HeardAsync(second.Address, SiloStatus.Dead);
        EmbeddedSilo again = await silos.RestartAsync(second.Index, Cancellation);
        await listener.HeardAsync(again.Address, SiloStatus.Active);

        Assert.NotEqual(second.Address, again.Address);
        Assert.Equal(second.Name, again.Name);
        Assert.Equal(again.Address, await first.Service<INoteServiceClient>().On(again.Address).Where());
    }

    [Fact]
    public async Task A_listener_that_nobody_holds_falls_silent()
    {
        await using EmbeddedSilos silos = await StartAsync(1);
        WeakReference subscribed = Subscribe(silos.Silos[0].Service<ISiloStatusOracle>());

        GC.Collect();
        GC.WaitForPendingFinalizers();

        Assert.False(subscribed.IsAlive);

        [MethodImpl(MethodImplOptions.NoInlining)]
        static WeakReference Subscribe(ISiloStatusOracle oracle)
        {
            var listener = new Listener();
            oracle.SubscribeToSiloStatusEvents(listener);
            return new WeakReference(listener);
        }
    }

    [Fact]
    public async Task A_call_in_flight_to_a_silo_that_is_killed_fails()
    {
        await using EmbeddedSilos silos = await StartAsync(2);
        (EmbeddedSilo here, EmbeddedSilo there) = (silos.Silos[0], silos.Silos[1]);
        IPinnedGrain grain = GrainOn(there, here.Grains());
        (string first, string second) = (Gate.NewName(), Gate.NewName());
        Task toGrain = grain.Hold(first);
        Task toService = here.Service<INoteServiceClient>().On(there.Address).Hold(second);
        await Gate.Of(first).Entered;
        await Gate.Of(second).Entered;

        await silos.KillAsync(there, Cancellation);

        await Assert.ThrowsAsync<SiloUnavailableException>(() => toGrain);
        await Assert.ThrowsAsync<SiloUnavailableException>(() => toService);
    }

    [Fact]
    public async Task A_call_to_the_grain_service_of_a_dead_silo_fails_at_once()
    {
        await using EmbeddedSilos silos = await StartAsync(2);
        (EmbeddedSilo here, EmbeddedSilo there) = (silos.Silos[0], silos.Silos[1]);
        await silos.KillAsync(there, Cancellation);

        await Assert.ThrowsAsync<SiloUnavailableException>(() => here.Service<INoteServiceClient>().On(there.Address).Where());
    }

    [Fact]
    public async Task Grains_of_a_killed_silo_come_back_where_their_director_says()
    {
        await using EmbeddedSilos silos = await StartAsync(3);
        (EmbeddedSilo first, EmbeddedSilo second) = (silos.Silos[0], silos.Silos[1]);
        IPinnedGrain grain = GrainOn(second, silos.Client);
        IPinnedGrain other = GrainOn(first, silos.Client);
        Guid before = await grain.Which();
        await other.Which();

        await silos.KillAsync(second, Cancellation);
        PinnedPlacementDirector.Map[grain.GetPrimaryKeyString()] = first.Address;

        Assert.Equal(first.Address, await grain.Where());
        Assert.NotEqual(before, await grain.Which());
        Assert.Equal(first.Address, await other.Where());
    }

    [Fact]
    public async Task The_client_survives_the_death_of_any_silo()
    {
        await using EmbeddedSilos silos = await StartAsync(3);
        EmbeddedSilo last = silos.Silos[2];
        IPinnedGrain grain = GrainOn(last, silos.Client);
        Guid which = await grain.Which();

        await silos.KillAsync(silos.Silos[0], Cancellation);
        await silos.KillAsync(silos.Silos[0], Cancellation);

        Assert.Equal(last.Address, await grain.Where());
        Assert.Equal(last, Assert.Single(silos.Silos));
        Assert.NotEqual(Guid.Empty, which);
    }

    [Fact]
    public async Task A_graceful_stop_tells_the_grains()
    {
        await using EmbeddedSilos silos = await StartAsync(2);
        ILifeGrain[] grains = [.. Enumerable.Range(0, 20).Select(_ => silos.Client.GetGrain<ILifeGrain>(Gate.NewName()))];
        await Task.WhenAll(grains.Select(grain => grain.Touch()));

        await silos.StopAsync(silos.Silos[1], Cancellation);

        Assert.Contains(grains, grain => LifeGrain.Lives[grain.GetPrimaryKeyString()].Contains("deactivated: ShuttingDown"));
        await Task.WhenAll(grains.Select(grain => grain.Touch()));
    }

    private static Task<EmbeddedSilos> StartAsync(int count) => RuntimeCluster.StartAsync(new EmbeddedSilosOptions { Count = count });

    private static IPinnedGrain GrainOn(EmbeddedSilo silo, IGrainFactory caller)
    {
        string key = Gate.NewName();
        PinnedPlacementDirector.Map[key] = silo.Address;
        return caller.GetGrain<IPinnedGrain>(key);
    }

    private sealed class Listener : ISiloStatusListener
    {
        private readonly Lock _gate = new();
        private readonly HashSet<(SiloAddress, SiloStatus)> _heard = [];
        private TaskCompletionSource _more = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public void SiloStatusChangeNotification(SiloAddress updatedSilo, SiloStatus status)
        {
            lock (_gate)
            {
                _heard.Add((updatedSilo, status));
                _more.SetResult();
                _more = new(TaskCreationOptions.RunContinuationsAsynchronously);
            }
        }

        public async Task HeardAsync(SiloAddress silo, SiloStatus status)
        {
            while (true)
            {
                Task more;
                lock (_gate)
                {
                    if (_heard.Contains((silo, status)))
                    {
                        return;
                    }

                    more = _more.Task;
                }

                await more.WaitAsync(TimeSpan.FromSeconds(20), Cancellation);
            }
        }
    }
}
