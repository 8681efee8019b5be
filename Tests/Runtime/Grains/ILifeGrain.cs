namespace MoEActors.Tests.Runtime.Grains;

public interface ILifeGrain : IGrainWithStringKey
{
    Task<int> Touch();

    Task Leave();

    Task HoldAndLeave(string gate);

    Task<string> Identity();

    Task StartTimer(string gate, bool interleave);

    Task HoldTicks(string gate);

    Task<int> Ticks();

    Task StopTimer();
}
