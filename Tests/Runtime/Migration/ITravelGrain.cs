namespace MoEActors.Tests.Runtime.Migration;

public interface ITravelGrain : IGrainWithStringKey
{
    Task Set(int value);

    Task<int> Get();

    Task<int> Add();

    Task<SiloAddress> Where();

    Task<Guid> Which();

    /// <summary>Asks to be moved, from inside, with a hint if there is one.</summary>
    Task Go(SiloAddress? hint);

    /// <summary>Asks to be ended, and in the same breath to be moved.</summary>
    Task LeaveAndGo(SiloAddress hint);

    /// <summary>Does something that nobody waits for: it passes the gate and then counts.</summary>
    Task StartChore(string gate);

    Task StartTicking();
}
