using Orleans.Concurrency;

namespace MoEActors.Tests.Runtime.Grains;

public interface ITurnGrain : IGrainWithStringKey
{
    Task Hold(string gate);

    [AlwaysInterleave]
    Task HoldInterleaved(string gate);

    [ReadOnly]
    Task HoldReading(string gate);

    Task Plain();

    [AlwaysInterleave]
    Task Interleaved();

    [ReadOnly]
    Task Reading();

    [OneWay]
    Task Send(string gate);

    Task<bool> StaysOnScheduler();

    Task StartWithoutAwait(string gate, string done);

    Task<bool> ComeBack(string other, bool allowed);

    Task<bool> Echo(string back);

    [ResponseTimeout("00:00:00.2")]
    Task HoldBriefly(string gate);

    Task<int> Count();

    Task<string> WaitFor(string gate, CancellationToken token);
}
