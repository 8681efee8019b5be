using Microsoft.Extensions.Logging;
using MoEActors.Tests.Support;
using Orleans.Runtime.Services;
using Orleans.Services;

namespace MoEActors.Tests.Orleans;

public interface ILatchService : IGrainService
{
    Task Hold(string latch);

    Task<SiloAddress> Where();
}

public interface ILatchServiceClient : IGrainServiceClient<ILatchService>
{
    ILatchService On(SiloAddress silo);
}

/// <summary>A grain service as the worker host's is, whose calls can be held.</summary>
public sealed class LatchService(GrainId grainId, global::Orleans.Runtime.Silo silo, ILoggerFactory loggerFactory)
    : GrainService(grainId, silo, loggerFactory), ILatchService
{
    private readonly SiloAddress _silo = silo.SiloAddress;

    public Task Hold(string latch) => Latch.Of(latch).PassAsync();

    public Task<SiloAddress> Where() => Task.FromResult(_silo);
}

public sealed class LatchServiceClient(IServiceProvider services) : GrainServiceClient<ILatchService>(services), ILatchServiceClient
{
    public ILatchService On(SiloAddress silo) => GetGrainService(silo);
}
