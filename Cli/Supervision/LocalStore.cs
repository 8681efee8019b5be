using System.Globalization;
using Garnet;
using StackExchange.Redis;

namespace MoEActors.Cli.Supervision;

/// <summary>A server in which silos of one machine meet.</summary>
internal enum StoreKind
{
    /// <summary>Garnet, which this program brings along.</summary>
    Garnet,

    /// <summary>Redis, where it is installed.</summary>
    Redis,
}

/// <summary>The server in which the silos of one machine meet: Garnet, which answers a write when it is on the disk.</summary>
internal static class LocalStore
{
    /// <summary>The hidden command that serves, and its options.</summary>
    public const string Command = "store";

    /// <inheritdoc cref="Command" />
    public const string PortOption = "--port";

    /// <inheritdoc cref="Command" />
    public const string DataOption = "--data";

    /// <inheritdoc cref="Command" />
    public const string RedisOption = "--redis";

    /// <summary>What it says when it serves, before its port.</summary>
    public const string Serves = "serves at 127.0.0.1:";

    /// <summary>How long the server outlives whoever started it, so that silos which end at the same time can say that they leave.</summary>
    public static readonly TimeSpan Afterlife = TimeSpan.FromSeconds(5);

    /// <summary>How often what the append-only file has is written down as a whole, and the file begins anew: it would grow without end, and take long to read.</summary>
    private static readonly TimeSpan Compaction = TimeSpan.FromMinutes(10);

    /// <summary>Serves until it is asked to end.</summary>
    /// <param name="port">Port on loopback.</param>
    /// <param name="folder">Keeps what the server is given.</param>
    /// <param name="password">What clients must know; null for nothing.</param>
    /// <param name="output">Is told when it serves.</param>
    /// <param name="parentGone">Cancelled when whoever started this process has ended.</param>
    /// <param name="ending">Asks it to end at once.</param>
    public static async Task RunAsync(
        int port, string folder, string? password, TextWriter output, CancellationToken parentGone, CancellationToken ending)
    {
        Directory.CreateDirectory(folder);
        string[] arguments =
        [
            "--port", port.ToString(CultureInfo.InvariantCulture), "--bind", "127.0.0.1", "-q", "--logger-level", "Error",

            // Scripts hold their keys, or two writers could win one ETag.
            "--lua", "--lua-transaction-mode",

            // A write is answered when it is on the disk. The default device wants a library that a machine may lack, and ends the process without it.
            "--aof", "--aof-commit-wait", "--recover", "--device-type", "RandomAccess", "--checkpointdir", folder,

            // Runs and members are small.
            "--memory", "256m", "--page", "4m", "--index", "8m", "--aof-memory", "64m",
            .. password is null ? Array.Empty<string>() : ["--auth", "Password", "--password", password],
        ];
        using var server = new GarnetServer(arguments);
        server.Start();
        output.WriteLine($"{Serves}{port}");
        using var either = CancellationTokenSource.CreateLinkedTokenSource(parentGone, ending);
        await CompactAsync(port, password, output, either.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await Task.Delay(Afterlife, ending).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private static async Task CompactAsync(int port, string? password, TextWriter output, CancellationToken ending)
    {
        var options = new ConfigurationOptions { EndPoints = { { "127.0.0.1", port } }, Password = password, AllowAdmin = true };
        using var timer = new PeriodicTimer(Compaction);
        do
        {
            try
            {
                await using ConnectionMultiplexer self = await ConnectionMultiplexer.ConnectAsync(options);
                await self.GetServers()[0].SaveAsync(SaveType.BackgroundSave);
            }
            catch (RedisException e)
            {
                output.WriteLine($"could not write down what the append-only file has; it goes on growing: {e.Message}");
            }
        }
        while (await timer.WaitForNextTickAsync(ending));
    }
}
