using MoEActors.Silo.Embedded;
using MoEActors.Tests.Runtime.Grains;
using Orleans.Serialization;

namespace MoEActors.Tests.Runtime;

/// <summary>Orleans: an exception reaches the caller; from another silo only if its type has a codec.</summary>
public sealed class ExceptionTests(RuntimeCluster cluster)
{
    [Fact]
    public async Task From_another_silo_an_exception_without_codec_hides_behind_CodecNotFoundException()
    {
        (EmbeddedSilo here, EmbeddedSilo there) = await TwoAsync();
        IPinnedGrain grain = GrainOn(there, here);

        await Assert.ThrowsAsync<CodecNotFoundException>(() => grain.FailWith("unmarked"));
        MarkedException marked = await Assert.ThrowsAsync<MarkedException>(() => grain.FailWith("marked"));
        InvalidOperationException framework = await Assert.ThrowsAsync<InvalidOperationException>(() => grain.FailWith("framework"));

        Assert.Equal("seen", marked.Message);
        Assert.Equal(7, marked.Code);
        Assert.Equal("framework", framework.Message);
    }

    [Fact]
    public async Task From_the_same_silo_every_exception_arrives()
    {
        (EmbeddedSilo here, _) = await TwoAsync();
        IPinnedGrain grain = GrainOn(here, here);

        await Assert.ThrowsAsync<UnmarkedException>(() => grain.FailWith("unmarked"));
        await Assert.ThrowsAsync<UnmarkedException>(grain.FailPlainly);
        await Assert.ThrowsAsync<MarkedException>(() => grain.FailWith("marked"));
    }

    private static IPinnedGrain GrainOn(EmbeddedSilo place, EmbeddedSilo caller)
    {
        string key = Gate.NewName();
        PinnedPlacementDirector.Map[key] = place.Address;
        return caller.Grains().GetGrain<IPinnedGrain>(key);
    }

    private async Task<(EmbeddedSilo First, EmbeddedSilo Second)> TwoAsync()
    {
        EmbeddedSilos silos = await cluster.SilosAsync();
        return (silos.Silos[0], silos.Silos[1]);
    }
}
