using System.Globalization;
using System.Net;

namespace MoEActors.Client.Connections;

/// <summary>Which cluster to connect to: by the Redis server in which its silos meet, or by the gateways of some silos.</summary>
public sealed record ConnectOptions
{
    /// <summary>
    /// The Redis server in which the cluster's silos meet, as in <c>redis://redis.example:6379</c> or <c>redis.example:6379,ssl=true</c>; null to connect by
    /// <see cref="Gateways"/>.
    /// </summary>
    public string? Redis { get; init; }

    /// <summary>The password of Redis, where it is not in its address.</summary>
    public string? RedisPassword { get; init; }

    /// <summary>Gateways of silos, each a HOST:PORT, in place of <see cref="Redis"/>. One that lives is enough.</summary>
    public IReadOnlyList<string> Gateways { get; init; } = [];

    /// <summary>Name of the cluster: that of its silos.</summary>
    public string ClusterId { get; init; } = "moe";

    /// <summary>Name of the service: that of its silos.</summary>
    public string ServiceId { get; init; } = "moe";

    /// <summary>The secret of the cluster's silos; null where they have none.</summary>
    public string? Secret { get; init; }

    /// <summary>How long to look for a silo.</summary>
    public TimeSpan Deadline { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Reads an address as <c>moe --connect</c> does: <c>redis://...</c>, or gateways as HOST:PORT,HOST:PORT.</summary>
    /// <exception cref="FormatException">It is neither; the message does not repeat a password.</exception>
    public static ConnectOptions Parse(string address)
    {
        ArgumentNullException.ThrowIfNull(address);
        if (RedisAddress.IsUri(address))
        {
            RedisAddress.Parse(address);
            return new ConnectOptions { Redis = address };
        }

        string[] gateways = address.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        return gateways.Length > 0 && gateways.All(gateway => HostAndPort(gateway) is not null)
            ? new ConnectOptions { Gateways = gateways }
            : throw new FormatException("A cluster is redis://HOST:PORT, or the gateways of its silos: HOST:PORT,HOST:PORT.");
    }

    /// <summary>The cluster, without password and secret.</summary>
    public override string ToString() => $"cluster '{ClusterId}' at {Place}";

    /// <summary>Where the cluster is, without a password.</summary>
    internal string Place => Redis is not null
        ? RedisAddress.TryParse(Redis, RedisPassword, out RedisAddress? redis, out _) ? $"Redis at {redis}" : "Redis"
        : $"the gateway{(Gateways.Count == 1 ? "" : "s")} {string.Join(", ", Gateways)}";

    /// <summary>The endpoints of the gateways.</summary>
    /// <exception cref="FormatException">One is no HOST:PORT.</exception>
    internal async Task<IPEndPoint[]> GatewayEndpointsAsync(CancellationToken cancellationToken)
    {
        List<IPEndPoint> endpoints = [];
        foreach (string gateway in Gateways)
        {
            (string host, int port) = HostAndPort(gateway) ?? throw new FormatException($"'{gateway}' is no HOST:PORT.");
            endpoints.AddRange((await Dns.GetHostAddressesAsync(host, cancellationToken)).Select(address => new IPEndPoint(address, port)));
        }

        return [.. endpoints];
    }

    private static (string Host, int Port)? HostAndPort(string text) =>
        text.LastIndexOf(':') is > 0 and int colon
        && int.TryParse(text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out int port) && port is > 0 and <= IPEndPoint.MaxPort
        && Uri.CheckHostName(text[..colon].Trim('[', ']')) != UriHostNameType.Unknown
            ? (text[..colon].Trim('[', ']'), port)
            : null;
}

/// <summary>No silo of the cluster could be reached.</summary>
public sealed class ConnectionFailedException(string message, Exception cause) : Exception(message, cause);
