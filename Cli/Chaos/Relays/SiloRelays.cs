using System.Globalization;
using MoEActors.Cli.Supervision;
using MoEActors.Silo.Clustering;

namespace MoEActors.Cli.Chaos.Relays;

/// <summary>Relays before the ports of all silos of a cluster, by which one can be made silent: it lives, its connections stay open, and nothing comes or goes.</summary>
/// <param name="processes">The number of a silo's process; null while it has none.</param>
/// <param name="silos">Number of silos.</param>
internal sealed class SiloRelays(Func<int, int?> processes, int silos) : IDisposable
{
    private readonly Lock _lock = new();
    private readonly Dictionary<int, TcpRelay[]> _relays = [];
    private Func<RelayedLink, bool>? _holds;
    private TaskCompletionSource _changed = NewChange();

    /// <summary>Puts relays before the ports of a silo that is about to start, in place of those of its last process.</summary>
    /// <param name="index">The silo.</param>
    /// <param name="silo">Its ports, as others reach them.</param>
    /// <returns>The arguments by which it listens behind them.</returns>
    public IReadOnlyList<string> Before(int index, LocalSilo silo)
    {
        int[] behind = FreePorts.Take(4);
        lock (_lock)
        {
            Array.ForEach(_relays.GetValueOrDefault(index, []), relay => relay.Dispose());
            _relays[index] =
            [
                Relay(silo.SiloPort, behind[0], RelayedPort.Silo), Relay(silo.GatewayPort, behind[1], RelayedPort.Gateway), Relay(behind[3], behind[2], RelayedPort.Data),
            ];
        }

        return
        [
            "--listen-silo-port", Text(behind[0]), "--listen-gateway-port", Text(behind[1]), "--data-port", Text(behind[3]), "--listen-data-port", Text(behind[2]),
        ];

        TcpRelay Relay(int port, int target, RelayedPort kind) => new(port, target, remote => new RelayedLink(OwnerOf(remote, port), index, kind), MayPassAsync);
    }

    /// <summary>Lets nothing to a silo and nothing from it pass.</summary>
    /// <param name="silo">The silo.</param>
    /// <param name="fastPathOnly">Whether that is about rows alone.</param>
    public void Silence(int silo, bool fastPathOnly) => Change(link => (link.From == silo || link.To == silo) && (!fastPathOnly || link.Port == RelayedPort.Data));

    /// <summary>Lets nothing pass between two silos.</summary>
    public void Cut(int silo, int other) => Change(link => (link.From == silo && link.To == other) || (link.From == other && link.To == silo));

    /// <summary>Lets everything pass, also what has been held back.</summary>
    public void Heal() => Change(null);

    public void Dispose()
    {
        lock (_lock)
        {
            foreach (TcpRelay relay in _relays.Values.SelectMany(relays => relays))
            {
                relay.Dispose();
            }
        }
    }

    private static TaskCompletionSource NewChange() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);

    private void Change(Func<RelayedLink, bool>? holds)
    {
        lock (_lock)
        {
            _holds = holds;
            _changed.SetResult();
            _changed = NewChange();
        }
    }

    private async Task MayPassAsync(RelayedLink link, CancellationToken cancellation)
    {
        while (true)
        {
            Task changed;
            lock (_lock)
            {
                if (_holds?.Invoke(link) is not true)
                {
                    return;
                }

                changed = _changed.Task;
            }

            await changed.WaitAsync(cancellation);
        }
    }

    /// <summary>
    /// The silo whose process has made a connection; null for another program. Asked again when it is nobody's: what the system tells is not of one moment, and a connection of a silo that
    /// counts as another program's goes on when that silo is silent.
    /// </summary>
    private int? OwnerOf(int remotePort, int relayPort)
    {
        for (int tries = 0; tries < 20; tries++)
        {
            string? inode = SocketOwner.InodeOf(remotePort, relayPort);
            for (int silo = 0; inode is not null && silo < silos; silo++)
            {
                if (processes(silo) is { } process && SocketOwner.Has(process, inode))
                {
                    return silo;
                }
            }

            if (inode is not null && SocketOwner.Has(Environment.ProcessId, inode))
            {
                return null;
            }

            Thread.Sleep(5);
        }

        return null;
    }
}
