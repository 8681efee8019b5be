using Orleans.Services;

namespace MoEActors.Tests.Runtime.Grains;

public interface INoteService : IGrainService
{
    Task<SiloAddress> Where();

    Task Hold(string gate);

    Task<string> Story();
}
