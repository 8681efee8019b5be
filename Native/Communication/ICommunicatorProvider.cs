namespace MoEActors.Native.Communication;

/// <summary>How a worker host opens the communicator of an epoch, whatever lies between the hosts.</summary>
public interface ICommunicatorProvider
{
    /// <summary>
    /// Opens a rank's communicator. Need not wait for the other ranks: the first operation does. Dispose it when the epoch
    /// ends or is given up.
    /// </summary>
    /// <param name="model">The model whose epoch it is.</param>
    /// <param name="epoch">The epoch's number.</param>
    /// <param name="rank">This worker's rank, from 0.</param>
    /// <param name="size">Number of ranks.</param>
    /// <param name="deadline">How long an operation waits for the other ranks.</param>
    /// <exception cref="InvalidOperationException">The rank is open already, or other ranks have opened the epoch with another size.</exception>
    ICommunicator Open(string model, long epoch, int rank, int size, TimeSpan deadline);
}
