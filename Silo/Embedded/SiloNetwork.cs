using Microsoft.AspNetCore.Connections;

namespace MoEActors.Silo.Embedded;

/// <summary>A silo's connections, so that they can be cut as if its process had died.</summary>
internal sealed class SiloNetwork
{
    private readonly Lock _lock = new();
    private readonly HashSet<ConnectionContext> _open = [];
    private bool _isCut;

    /// <summary>Ends every connection of the silo, and lets it have no other.</summary>
    public void Cut()
    {
        ConnectionContext[] open;
        lock (_lock)
        {
            _isCut = true;
            open = [.. _open];
        }

        foreach (ConnectionContext connection in open)
        {
            connection.Abort();
        }
    }

    /// <summary>Wraps what is done with a connection.</summary>
    public ConnectionDelegate Watch(ConnectionDelegate next) => async connection =>
    {
        lock (_lock)
        {
            if (_isCut)
            {
                connection.Abort();
                throw new ConnectionAbortedException("This silo was cut off.");
            }

            _open.Add(connection);
        }

        try
        {
            await next(connection);
        }
        finally
        {
            lock (_lock)
            {
                _open.Remove(connection);
            }
        }
    };
}
