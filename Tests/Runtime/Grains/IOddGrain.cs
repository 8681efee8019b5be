namespace MoEActors.Tests.Runtime.Grains;

public interface IOddGrain : IGrainWithIntegerKey
{
    ValueTask<long> Key();

    ValueTask Nothing();

    Task<IOddGrain> Self();

    Task<long> KeyOf(IOddGrain other);

    Task<long> AskFromThreadPool(IOddGrain other);

    Task StartFailingTimer(string gate);

    Task LeaveBadly();

    Task<List<string>> Mutable();
}
