using MoEActors.Silo.Embedded;
using MoEActors.Tests.Runtime.Grains;

namespace MoEActors.Tests.Runtime;

/// <summary>Orleans: every silo has one instance of a grain service, which others call by the silo's address; its calls interleave.</summary>
public sealed class GrainServiceTests(RuntimeCluster cluster)
{
    [Fact]
    public async Task Every_silo_has_one_and_others_reach_it()
    {
        EmbeddedSilos silos = await cluster.SilosAsync();
        foreach (EmbeddedSilo from in silos.Silos)
        {
            foreach (EmbeddedSilo to in silos.Silos)
            {
                Assert.Equal(to.Address, await from.Service<INoteServiceClient>().On(to.Address).Where());
            }
        }
    }

    [Fact]
    public async Task It_was_initialised_and_then_started()
    {
        EmbeddedSilos silos = await cluster.SilosAsync();
        EmbeddedSilo silo = silos.Silos[0];
        Assert.Equal("init start", await silo.Service<INoteServiceClient>().On(silo.Address).Story());
        Assert.True(silo.Service<CallCounter>().HasStarted);
    }

    [Fact]
    public async Task Its_calls_interleave()
    {
        EmbeddedSilos silos = await cluster.SilosAsync();
        INoteService service = silos.Silos[0].Service<INoteServiceClient>().On(silos.Silos[1].Address);
        string gate = Gate.NewName();
        Task held = service.Hold(gate);
        await Gate.Of(gate).Entered;

        await service.Where();

        Assert.False(held.IsCompleted);
        Gate.Of(gate).Open();
        await held;
    }
}
