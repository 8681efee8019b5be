using System.Net;

namespace MoEActors.Native.Communication;

/// <summary>How a worker host opens communicators, whatever lies between the hosts: nothing above depends on the transport.</summary>
public interface ICommunicatorProvider
{
    /// <summary>Where this process accepts data connections, for the other members of a communicator; null where the provider needs no place.</summary>
    EndPoint? EndPoint => null;

    /// <summary>
    /// Opens a rank's communicator. Need not wait for the other ranks: the first operation does. Dispose it when the view ends or is abandoned.
    /// </summary>
    /// <param name="spec">Which communicator, and among whom.</param>
    /// <exception cref="InvalidOperationException">The rank is open already, or other ranks have opened it with other members.</exception>
    ICommunicator Open(CommunicatorSpec spec);
}
