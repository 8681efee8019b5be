using Orleans.Services;

namespace MoEActors.Tests.Runtime.Grains;

public interface INoteServiceClient : IGrainServiceClient<INoteService>
{
    INoteService On(SiloAddress silo);
}
