using System.Collections;
using System.Text.Json;
using System.Text.Json.Nodes;
using MoEActors.Cli.Configuration;
using MoEActors.Cli.Dashboards;
using MoEActors.Modules.Checkpoints;
using MoEActors.Silo.Clustering;
using MoEActors.Silo.Hosting;

namespace MoEActors.Cli.Silos;

/// <summary>What a silo was told, from file, environment and options, checked as a whole.</summary>
/// <param name="File">The values.</param>
/// <param name="Secret">The cluster's secret; null without one.</param>
/// <param name="RedisPassword">The password of Redis; null without one.</param>
/// <param name="DashboardToken">What whoever changes something by the dashboard must bring; null without one.</param>
internal sealed record SiloSettings(SiloFile File, string? Secret, string? RedisPassword, string? DashboardToken)
{
    /// <summary>The environment variables that have secrets themselves; there are no options of these.</summary>
    public const string SecretVariable = "MOE_SECRET";
    public const string RedisPasswordVariable = "MOE_REDIS_PASSWORD";

    private const int DefaultHealthPort = 8081;

    /// <summary>Name of the silo.</summary>
    public string Name => File.Name ?? Environment.MachineName;

    /// <summary>Port of the health endpoint.</summary>
    public int HealthPort => File.HealthPort ?? DefaultHealthPort;

    /// <summary>Where the dashboard is served.</summary>
    public DashboardChoice Dashboard => DashboardChoice.Of(File.Dashboard) with { Token = DashboardToken, HasOrleans = File.OrleansDashboard == true };

    /// <summary>Reads and checks everything.</summary>
    /// <param name="path">The JSON file; null for none.</param>
    /// <param name="environment">The environment.</param>
    /// <param name="options">Values of options, by the name of their property in JSON.</param>
    /// <exception cref="UsageException">There are mistakes; all are named, each where it was made.</exception>
    public static SiloSettings Read(string? path, IDictionary environment, IReadOnlyDictionary<string, string> options)
    {
        JsonObject given = path is null ? [] : ReadFile(path);
        var places = given.ToDictionary(value => value.Key, value => $"$.{value.Key}");
        foreach (SiloValue value in SiloValue.All)
        {
            if ((options.GetValueOrDefault(value.Name) ?? environment[value.Variable] as string) is { Length: > 0 } text)
            {
                given[value.Name] = value.Node(text);
                places[value.Name] = options.ContainsKey(value.Name) ? value.Option : value.Variable;
            }
        }

        var check = new ConfigurationCheck();
        var settings = new SiloSettings(check.Read<SiloFile>(given), Secret: null, RedisPassword: null, DashboardToken: null);
        List<string> errors = [.. check.Errors.Select(error => Placed(error, places))];
        if (options.TryGetValue("redis", out string? redis) && HasPassword(redis))
        {
            errors.Add($"--redis has a password, which everybody on this machine sees in the list of processes; leave it to {RedisPasswordVariable} or --redis-password-file.");
        }

        settings = settings with
        {
            Secret = Text(environment, SecretVariable, settings.File.SecretFile, nameof(SiloFile.SecretFile)),
            RedisPassword = Text(environment, RedisPasswordVariable, settings.File.RedisPasswordFile, nameof(SiloFile.RedisPasswordFile)),
            DashboardToken = Text(environment, DashboardOptions.TokenVariable, settings.File.DashboardTokenFile, nameof(SiloFile.DashboardTokenFile)),
        };
        errors.AddRange(settings.Conflicts()
            .Where(error => !check.IsAboutABrokenValue(JsonName(error.Property)))
            .Select(error => $"{PlaceOf(error.Property)} {error.Error}."));
        return errors.Count == 0 ? settings : throw new UsageException(
            $"there {(errors.Count == 1 ? "is 1 mistake" : $"are {errors.Count} mistakes")} in what this silo was told:", errors, "docs/deploy.md explains every value.");

        string PlaceOf(string property) => places.GetValueOrDefault(JsonName(property)) ?? SiloValue.Of(JsonName(property)).Ways;

        string? Text(IDictionary variables, string variable, string? file, string property)
        {
            if (variables[variable] is string { Length: > 0 } text)
            {
                places[JsonName(property)] = variable;
                return text;
            }

            try
            {
                return file is null ? null : RegularFile.ReadText(file).Trim();
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
            {
                errors.Add($"{PlaceOf(property)} {file} cannot be read: {e.Message}");
                return null;
            }
        }
    }

    /// <summary>Refuses what cannot be a value.</summary>
    /// <exception cref="UsageException">It cannot.</exception>
    public static void Require(SiloValue value, string text)
    {
        var check = new ConfigurationCheck();
        check.Read<SiloFile>(new JsonObject { [value.Name] = value.Node(text) });
        UsageException.ThrowUnless(
            check.Errors.Count == 0, string.Join(' ', check.Errors.Select(error => Placed(error, new Dictionary<string, string> { [value.Name] = value.Option }))));
    }

    /// <summary>Whether an address of Redis has a password in it.</summary>
    public static bool HasPassword(string redis) => redis.Contains('@', StringComparison.Ordinal) || redis.Contains("password=", StringComparison.OrdinalIgnoreCase);

    /// <summary>Sets what the silo needs to be a member of its cluster.</summary>
    public void Apply(MoEClusterOptions options)
    {
        (options.Redis, options.RedisPassword, options.Secret) = (File.Redis, RedisPassword, Secret);
        options.ClusterId = File.ClusterId ?? options.ClusterId;
        options.ServiceId = File.ServiceId ?? options.ServiceId;
        options.SiloName = File.Name;
        options.Address = File.Address ?? options.Address;
        options.SiloPort = File.SiloPort ?? options.SiloPort;
        options.GatewayPort = File.GatewayPort ?? options.GatewayPort;
        options.DataPort = File.DataPort ?? options.DataPort;
        options.ListenDataPort = File.ListenDataPort;
        (options.ListenAddress, options.ListenSiloPort, options.ListenGatewayPort) = (File.ListenAddress, File.ListenSiloPort, File.ListenGatewayPort);
    }

    /// <summary>Sets what the silo brings to its cluster.</summary>
    public void Apply(MoEOptions options)
    {
        options.Device = File.Device ?? options.Device;
        options.Devices = File.Devices ?? options.Devices;
        options.ThreadsPerDevice = File.ThreadsPerDevice ?? options.ThreadsPerDevice;
        options.MemoryPerDevice = File.MemoryPerDevice;
        options.CheckpointRoot = File.CheckpointRoot;
        options.SnapshotInterval = File.SnapshotInterval ?? options.SnapshotInterval;
        options.SnapshotPlace = File.SnapshotPlace ?? options.SnapshotPlace;
    }

    /// <summary>The options of the cluster that these settings make.</summary>
    public MoEClusterOptions Cluster()
    {
        var options = new MoEClusterOptions();
        Apply(options);
        return options;
    }

    private IEnumerable<(string Property, string Error)> Conflicts()
    {
        var host = new MoEOptions();
        Apply(host);
        IEnumerable<(string, string)> health = HealthPort is > 0 and <= ushort.MaxValue
            ? []
            : [(nameof(SiloFile.HealthPort), $"is {HealthPort}; it must be a port from 1 to {ushort.MaxValue}")];
        IEnumerable<(string, string)> dashboard = DashboardChoice.TryParse(File.Dashboard ?? DashboardChoice.Default, out _)
            ? []
            : [(nameof(SiloFile.Dashboard), $"is '{File.Dashboard}'; it must be one of: {DashboardChoice.Forms}")];
        IEnumerable<(string, string)> token = DashboardToken is { } text && DashboardOptions.ProblemOf(text) is { } problem ? [(nameof(SiloFile.DashboardTokenFile), problem)] : [];
        return [.. Cluster().Errors(), .. host.Errors(), .. health, .. dashboard, .. token];
    }

    /// <summary>The name in JSON of a property of options.</summary>
    private static string JsonName(string property) => property switch
    {
        nameof(MoEClusterOptions.SiloName) => "name",
        nameof(MoEClusterOptions.Secret) => "secretFile",
        _ => JsonNamingPolicy.CamelCase.ConvertName(property),
    };

    private static string Placed(string error, Dictionary<string, string> places)
    {
        int space = error.IndexOf(' ', StringComparison.Ordinal);
        return places.TryGetValue(error[2..space], out string? place) ? place + error[space..] : error;
    }

    private static JsonObject ReadFile(string path)
    {
        try
        {
            return ConfigurationCheck.Parse(RegularFile.ReadText(path));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw new UsageException($"--config {path} cannot be read: {e.Message}");
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw new UsageException($"--config {path} is no JSON: {e.Message}");
        }
    }
}
