using System.Text.Json;
using MoEActors.Client.Connections;
using MoEActors.Modules.Checkpoints;
using MoEActors.Native.Communication.Security;

namespace MoEActors.Cli.Supervision;

/// <summary>
/// The folder of the cluster on this machine, <c>runs/.cluster</c>: what its store keeps, its secret and the password of its store, which only this user can read, and how
/// to connect to it.
/// </summary>
/// <param name="path">The folder.</param>
internal sealed class ClusterFolder(string path)
{
    private const string Name = ".cluster";
    private const string LockName = ".running";

    /// <summary>What the store keeps.</summary>
    public string Store => Path.Combine(path, "store");

    /// <summary>The snapshots of its runs.</summary>
    public string Snapshots => Path.GetFullPath(Path.Combine(path, "snapshots"));

    /// <summary>The log of all its processes, where it does not go to a terminal.</summary>
    public string Log => Path.Combine(path, "cluster.log");

    /// <inheritdoc />
    public override string ToString() => path;

    private string ClusterFile => Path.Combine(path, "cluster.json");

    /// <summary>The folder of the cluster beside some runs.</summary>
    public static ClusterFolder Beside(string runs) => new(Path.Combine(runs, Name));

    /// <summary>That of a cluster which `moe chaos` starts for itself.</summary>
    public static ClusterFolder OfChaos(string runs) => new(Path.Combine(runs, ".chaos"));

    /// <summary>Keeps the folder for one cluster at a time.</summary>
    /// <exception cref="UsageException">There is a cluster at work, or the folder cannot be written to.</exception>
    public FolderLock Take()
    {
        try
        {
            if (OperatingSystem.IsWindows())
            {
                Directory.CreateDirectory(path);
            }
            else
            {
                Directory.CreateDirectory(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            }

            return FolderLock.Take(path, LockName);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UsageException($"A cluster is at work in {path}, or it cannot be written to: {e.Message}");
        }
    }

    /// <summary>The cluster's secret, which is made once.</summary>
    public string Secret() => Kept("secret");

    /// <summary>The password of the store, which is made once.</summary>
    public string RedisPassword() => Kept("redis-password");

    /// <summary>Says how to connect.</summary>
    public void Write(LocalCluster cluster) => AtomicFile.Write(ClusterFile, JsonSerializer.Serialize(cluster, SnakeCase.Indented));

    /// <summary>How to connect to the cluster that is here, or was; null when there never was one.</summary>
    /// <exception cref="InvalidDataException">The file cannot be read.</exception>
    public LocalCluster? Read()
    {
        try
        {
            return File.Exists(ClusterFile) ? JsonSerializer.Deserialize<LocalCluster>(RegularFile.ReadText(ClusterFile), SnakeCase.Indented) : null;
        }
        catch (Exception e) when (e is JsonException or IOException or UnauthorizedAccessException)
        {
            throw new InvalidDataException($"{ClusterFile} cannot be read: {e.Message}", e);
        }
    }

    /// <summary>How a client finds the cluster that is here, or was; null when there never was one.</summary>
    /// <exception cref="InvalidDataException">The file cannot be read.</exception>
    public ConnectOptions? Connection() => Read() is not { } cluster ? null : new ConnectOptions
    {
        Redis = cluster.Redis,
        RedisPassword = RedisPassword(),
        ClusterId = cluster.ClusterId,
        ServiceId = cluster.ServiceId,
        Secret = Secret(),
    };

    /// <summary>Deletes what an earlier cluster has left here.</summary>
    /// <exception cref="UsageException">There is a cluster at work, or the folder cannot be written to.</exception>
    public void Clear()
    {
        using FolderLock alone = Take();
        foreach (string folder in Directory.GetDirectories(path))
        {
            Directory.Delete(folder, recursive: true);
        }

        foreach (string file in Directory.GetFiles(path).Where(file => Path.GetFileName(file) != LockName))
        {
            File.Delete(file);
        }
    }

    /// <summary>Deletes the folder and all that is in it.</summary>
    public void Delete() => Directory.Delete(path, recursive: true);

    private string Kept(string name)
    {
        string file = Path.Combine(path, name);
        if (!File.Exists(file))
        {
            var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
            if (!OperatingSystem.IsWindows())
            {
                options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
            }

            using var writer = new StreamWriter(file, options);
            writer.Write(ClusterSecret.NewText());
        }

        return RegularFile.ReadText(file).Trim();
    }
}

/// <summary>A cluster of several processes on this machine, and how to connect to it.</summary>
/// <param name="Process">The process that has started it.</param>
/// <param name="Redis">Its server of the Redis protocol, without the password.</param>
/// <param name="ClusterId">Its name.</param>
/// <param name="ServiceId">The name of its service.</param>
/// <param name="Silos">Its silos.</param>
internal sealed record LocalCluster(int Process, string Redis, string ClusterId, string ServiceId, IReadOnlyList<LocalSilo> Silos);

/// <summary>A silo of a cluster on this machine.</summary>
/// <param name="Name">Its name.</param>
/// <param name="SiloPort">Its port for silos.</param>
/// <param name="GatewayPort">Its port for clients.</param>
/// <param name="HealthPort">Its port for questions after its health.</param>
internal sealed record LocalSilo(string Name, int SiloPort, int GatewayPort, int HealthPort)
{
    /// <summary>Its ports.</summary>
    public IEnumerable<int> Ports() => [SiloPort, GatewayPort, HealthPort];
}
