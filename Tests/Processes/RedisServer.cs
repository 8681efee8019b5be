using System.Globalization;
using MoEActors.Tests.Client.Data;
using MoEActors.Tests.Packages;
using MoEActors.Tests.Support;

namespace MoEActors.Tests.Processes;

/// <summary>A server of the Redis protocol in a process of its own: Garnet as `moe cluster` runs it, or Redis itself where it is installed.</summary>
internal sealed class RedisServer : IDisposable
{
    public const string Garnet = "garnet";
    public const string Redis = "redis";

    private readonly ChildProcess _process;
    private readonly TemporaryFolder _folder;

    private RedisServer(ChildProcess process, TemporaryFolder folder, int port) =>
        (_process, _folder, Port) = (process, folder, port);

    public int Port { get; }

    public string Address => string.Create(CultureInfo.InvariantCulture, $"127.0.0.1:{Port}");

    /// <summary>Starts a server. Skips the test where there is none of its kind.</summary>
    /// <param name="kind"><see cref="Garnet"/> or <see cref="Redis"/>.</param>
    /// <param name="settings">Settings of Redis in place of those that a cluster should have.</param>
    public static async Task<RedisServer> StartAsync(string kind, params string[] settings)
    {
        Assert.SkipWhen(kind == Redis && !IsInstalled(), "There is no redis-server on this machine.");
        var folder = new TemporaryFolder();
        int port = Ports.Free();
        string number = port.ToString(CultureInfo.InvariantCulture);
        string[] kept = settings.Length > 0 ? settings : ["--appendonly", "yes", "--appendfsync", "always"];
        ChildProcess process = kind == Redis
            ? ChildProcess.Start("redis-server", folder.Path, ["--port", number, "--bind", "127.0.0.1", "--save", "", "--dir", folder.Path, .. kept])
            : MoeProcess.Start(folder.Path, new Dictionary<string, string>(), "store", "--port", number, "--data", Path.Combine(folder.Path, "store"), "--end-with-input");
        try
        {
            await process.SaysAsync(kind == Redis ? "Ready to accept" : "serves at");
            return new RedisServer(process, folder, port);
        }
        catch
        {
            process.Dispose();
            folder.Dispose();
            throw;
        }
    }

    public void Dispose()
    {
        _process.Dispose();
        _folder.Dispose();
    }

    private static bool IsInstalled() => (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator)
        .Any(folder => File.Exists(Path.Combine(folder, "redis-server")));
}
