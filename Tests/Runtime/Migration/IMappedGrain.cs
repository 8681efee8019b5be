namespace MoEActors.Tests.Runtime.Migration;

public interface IMappedGrain : IGrainWithStringKey
{
    Task Set(int value);

    Task<int> Get();

    Task<SiloAddress> Where();

    Task Go(SiloAddress? hint);
}
