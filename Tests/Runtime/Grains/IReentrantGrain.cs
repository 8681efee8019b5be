namespace MoEActors.Tests.Runtime.Grains;

public interface IReentrantGrain : IGrainWithStringKey
{
    Task Hold(string gate);

    Task Plain();

    Task<int> Max(int steps);
}
