using System.Net;
using System.Net.Sockets;

namespace MoEActors.Tests.Support;

/// <summary>Ports on loopback for what a test starts.</summary>
internal static class Ports
{
    /// <summary>A port on which nobody listens now.</summary>
    public static int Free()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
