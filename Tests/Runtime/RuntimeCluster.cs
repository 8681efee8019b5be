using Microsoft.Extensions.DependencyInjection;
using MoEActors.Silo.Embedded;
using MoEActors.Silo.Hosting;
using MoEActors.Tests.Runtime;
using MoEActors.Tests.Runtime.Grains;
using MoEActors.Tests.Runtime.Migration;

[assembly: AssemblyFixture(typeof(RuntimeCluster))]

namespace MoEActors.Tests.Runtime;

/// <summary>Three silos, shared by the tests that kill none.</summary>
public sealed class RuntimeCluster : IAsyncLifetime
{
    private readonly Lazy<Task<EmbeddedSilos>> _silos = new(() => StartAsync(new EmbeddedSilosOptions { Count = 3 }));

    /// <summary>The cluster, started by the first test that asks.</summary>
    public Task<EmbeddedSilos> SilosAsync() => _silos.Value.WaitAsync(TestContext.Current.CancellationToken);

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        if (_silos.IsValueCreated)
        {
            await (await _silos.Value).DisposeAsync();
        }
    }

    /// <summary>A cluster with the tests' director, service and filters.</summary>
    public static Task<EmbeddedSilos> StartAsync(EmbeddedSilosOptions options) => EmbeddedSilos.StartAsync(options with
    {
        Configure = (index, builder, silo) =>
        {
            silo.UseMoEClustering();
            silo.AddPlacementDirector<PinnedPlacement, PinnedPlacementDirector>();
            silo.AddPlacementDirector<MappedPlacement, MappedPlacementDirector>();
            silo.AddGrainService<NoteService>();
            silo.Services.AddSingleton<INoteServiceClient, NoteServiceClient>();
            silo.Services.AddSingleton<CallCounter>();
            silo.AddIncomingGrainCallFilter<IncomingCallCounter>();
            silo.AddOutgoingGrainCallFilter<OutgoingCallCounter>();
            silo.AddStartupTask((services, _) => services.GetRequiredService<CallCounter>().Started());
            options.Configure?.Invoke(index, builder, silo);
        },
    });
}
