using Orleans.Runtime.Services;

namespace MoEActors.Tests.Runtime.Grains;

public sealed class NoteServiceClient(IServiceProvider services) : GrainServiceClient<INoteService>(services), INoteServiceClient
{
    public INoteService On(SiloAddress silo) => GetGrainService(silo);
}
