using System.Net;
using System.Net.Sockets;

namespace MoEActors.Silo.Clustering;

/// <summary>Ports of this machine for what is about to be started.</summary>
internal static class FreePorts
{
    /// <summary>So many ports on loopback on which nobody listens now, all different.</summary>
    public static int[] Take(int count)
    {
        TcpListener[] listeners = [.. Enumerable.Range(0, count).Select(_ => new TcpListener(IPAddress.Loopback, 0))];
        try
        {
            foreach (TcpListener listener in listeners)
            {
                listener.Start();
            }

            return [.. listeners.Select(listener => ((IPEndPoint)listener.LocalEndpoint).Port)];
        }
        finally
        {
            foreach (TcpListener listener in listeners)
            {
                listener.Dispose();
            }
        }
    }

    /// <summary>Why nothing can listen on an endpoint; null when it can.</summary>
    public static string? Problem(IPEndPoint endpoint)
    {
        try
        {
            using var listener = new TcpListener(endpoint);
            listener.Start();
            return null;
        }
        catch (SocketException e)
        {
            return e.SocketErrorCode == SocketError.AddressAlreadyInUse ? "is in use" : $"cannot be listened on: {e.Message}";
        }
    }
}
