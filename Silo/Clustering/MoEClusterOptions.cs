using System.Net;
using Microsoft.Extensions.Options;
using MoEActors.Client.Connections;
using MoEActors.Native.Communication.Security;
using MoEActors.Native.Communication.Tcp;

namespace MoEActors.Silo.Clustering;

/// <summary>
/// What a silo needs to be a member of a cluster of several processes. Binds from the configuration section <see cref="Section"/>; what is set in code wins.
/// Everything is validated when the host starts, every mistake at once, and no message repeats a password or the secret.
/// </summary>
public sealed class MoEClusterOptions
{
    /// <summary>Section of the host's configuration that these options bind from.</summary>
    public const string Section = "MoECluster";

    /// <summary>
    /// The Redis server in which silos and clients meet and which keeps runs, as in <c>redis://redis.example:6379</c> or <c>redis.example:6379,ssl=true</c>.
    /// </summary>
    public string? Redis { get; set; }

    /// <summary>The password of Redis, where it is not in its address.</summary>
    public string? RedisPassword { get; set; }

    /// <summary>Name of the cluster; every silo and client has the same.</summary>
    public string ClusterId { get; set; } = "moe";

    /// <summary>Name of the service, under which Redis keeps runs; every silo and client has the same.</summary>
    public string ServiceId { get; set; } = "moe";

    /// <summary>Name of the silo, which a restart keeps and no other silo has; that of the machine unless set.</summary>
    public string? SiloName { get; set; }

    /// <summary>Where other silos and clients reach this one: an address, or a name that leads to one.</summary>
    public string Address { get; set; } = "127.0.0.1";

    /// <summary>Port for silos, as they reach it.</summary>
    public int SiloPort { get; set; } = 11111;

    /// <summary>Port for clients, as they reach it.</summary>
    public int GatewayPort { get; set; } = 30000;

    /// <summary>Where this silo listens, if that differs from where others reach it, as behind NAT: 0.0.0.0 for all of its addresses.</summary>
    public string? ListenAddress { get; set; }

    /// <summary>Port on which this silo listens for silos, if that differs from <see cref="SiloPort"/>.</summary>
    public int? ListenSiloPort { get; set; }

    /// <summary>Port on which this silo listens for clients, if that differs from <see cref="GatewayPort"/>.</summary>
    public int? ListenGatewayPort { get; set; }

    /// <summary>Port for rows of tokens between silos, as they reach it; 0 for a free one.</summary>
    public int DataPort { get; set; }

    /// <summary>Port on which this silo listens for such rows, if that differs from <see cref="DataPort"/>.</summary>
    public int? ListenDataPort { get; set; }

    /// <summary>
    /// What all silos and clients know and nobody else: without it they refuse each other's connections. Must be set where a silo can be reached from other
    /// machines. Keep it in the environment or a file, not in arguments.
    /// </summary>
    public string? Secret { get; set; }

    /// <summary>The silo's name.</summary>
    internal string Name => SiloName ?? Environment.MachineName;

    /// <summary>Where the silo can be reached from.</summary>
    internal bool IsLoopback => new[] { Address, ListenAddress }.OfType<string>().All(IsLoopbackName);

    /// <summary>The address that others are told.</summary>
    internal IPAddress AdvertisedAddress() => Resolve(Address);

    /// <summary>The addresses that are listened on.</summary>
    internal IPAddress ListeningAddress() => Resolve(ListenAddress ?? Address);

    /// <summary>Says where rows travel between this silo and others, and who they are.</summary>
    internal void Apply(TcpOptions plane)
    {
        plane.Listen = new IPEndPoint(ListeningAddress(), ListenDataPort ?? DataPort);
        plane.Advertise = new IPEndPoint(AdvertisedAddress(), DataPort);
        plane.ClusterId = ClusterId;
        plane.Secret = Secret;
    }

    /// <summary>What is wrong, by the property that it is about.</summary>
    public IEnumerable<(string Property, string Error)> Errors()
    {
        if (Redis is null)
        {
            yield return (nameof(Redis), "is missing: a cluster of several processes meets in a Redis server");
        }
        else if (!RedisAddress.TryParse(Redis, RedisPassword, out _, out string? error))
        {
            yield return (nameof(Redis), error);
        }

        foreach ((string name, string value) in new[] { (nameof(ClusterId), ClusterId), (nameof(ServiceId), ServiceId), (nameof(SiloName), Name) })
        {
            if (value.Length is 0 or > 100 || !value.All(character => char.IsAsciiLetterOrDigit(character) || character is '-' or '_' or '.'))
            {
                yield return (name, $"is '{value}'; it must be a name of 1 to 100 letters, digits, '-', '_' and '.'");
            }
        }

        foreach ((string name, string? value) in new[] { (nameof(Address), Address), (nameof(ListenAddress), ListenAddress) })
        {
            if (value is not null && (Uri.CheckHostName(value) == UriHostNameType.Unknown || !CanResolve(value)))
            {
                yield return (name, $"is '{value}'; it must be an address of this machine, or a name that leads to one");
            }
        }

        if (IPAddress.TryParse(Address, out IPAddress? advertised) && (advertised.Equals(IPAddress.Any) || advertised.Equals(IPAddress.IPv6Any)))
        {
            yield return (nameof(Address), $"is '{Address}', which leads nowhere from elsewhere; listen there by {nameof(ListenAddress)}, and say here how this silo is reached");
        }

        foreach ((string name, int? port) in new[]
        {
            (nameof(SiloPort), SiloPort), (nameof(GatewayPort), GatewayPort), (nameof(ListenSiloPort), ListenSiloPort), (nameof(ListenGatewayPort), ListenGatewayPort),
        })
        {
            if (port is <= 0 or > IPEndPoint.MaxPort)
            {
                yield return (name, $"is {port}; it must be a port from 1 to {IPEndPoint.MaxPort}");
            }
        }

        foreach ((string name, int? port) in new[] { (nameof(DataPort), (int?)DataPort), (nameof(ListenDataPort), ListenDataPort) })
        {
            if (port is < 0 or > IPEndPoint.MaxPort)
            {
                yield return (name, $"is {port}; it must be a port from 1 to {IPEndPoint.MaxPort}, or 0 for a free one");
            }
        }

        if ((ListenSiloPort ?? SiloPort) == (ListenGatewayPort ?? GatewayPort))
        {
            yield return (nameof(GatewayPort), $"is {GatewayPort}, which silos use already; clients need a port of their own");
        }

        if (Secret is null ? !IsLoopback : Secret.Trim().Length < ClusterSecret.LeastLength)
        {
            yield return (nameof(Secret), Secret is null
                ? "is missing: other machines can reach this silo, and it would take orders from any of them. Make one with `openssl rand -hex 32`, and give the same to every silo and client"
                : $"is too short; it must have {ClusterSecret.LeastLength} characters at least");
        }
    }

    private static bool IsLoopbackName(string address) =>
        address == "localhost" || (IPAddress.TryParse(address, out IPAddress? parsed) && IPAddress.IsLoopback(parsed));

    private static bool CanResolve(string address)
    {
        try
        {
            Resolve(address);
            return true;
        }
        catch (Exception e) when (e is System.Net.Sockets.SocketException or InvalidOperationException)
        {
            return false;
        }
    }

    /// <summary>IPv4 where a name leads to both.</summary>
    private static IPAddress Resolve(string address) => IPAddress.TryParse(address, out IPAddress? parsed)
        ? parsed
        : Dns.GetHostAddresses(address).OrderBy(found => found.AddressFamily).First();
}

/// <summary>Checks <see cref="MoEClusterOptions"/> when a silo's host starts.</summary>
internal sealed class MoEClusterOptionsValidator : IValidateOptions<MoEClusterOptions>
{
    /// <inheritdoc />
    public ValidateOptionsResult Validate(string? name, MoEClusterOptions options)
    {
        string[] errors = [.. options.Errors().Select(error => $"{MoEClusterOptions.Section}:{error.Property} {error.Error}.")];
        return errors.Length > 0 ? ValidateOptionsResult.Fail(errors) : ValidateOptionsResult.Success;
    }
}
