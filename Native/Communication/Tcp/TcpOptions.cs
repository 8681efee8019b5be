using System.Net;
using MoEActors.Native.Communication.Security;

namespace MoEActors.Native.Communication.Tcp;

/// <summary>How a process takes part in the data plane between processes.</summary>
public sealed class TcpOptions
{
    /// <summary>Section of a host's configuration that numbers and times bind from; addresses, cluster and secret are those of the silo.</summary>
    public const string Section = "MoEDataPlane";

    /// <summary>Where the process listens. Port 0 takes a free one. Beyond loopback it needs a <see cref="Secret"/>.</summary>
    public IPEndPoint Listen { get; set; } = new(IPAddress.Loopback, 0);

    /// <summary>
    /// Where the others reach it, if that is not where it listens: an address or a name. Port 0 stands for the port that it listens on. Needed when it
    /// listens on every address of the machine.
    /// </summary>
    public EndPoint? Advertise { get; set; }

    /// <summary>Name of the cluster: processes of another one are refused.</summary>
    public string ClusterId { get; set; } = "default";

    /// <summary>What all processes of the cluster know and nobody else; at least <see cref="ClusterSecret.LeastLength"/> characters. Connections without it are refused.</summary>
    public string? Secret { get; set; }

    /// <summary>How long a connection may take to say who it is.</summary>
    public TimeSpan HandshakeDeadline { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>Connections that may be saying who they are at a time; more are closed.</summary>
    public int MaxHandshakes { get; set; } = 128;

    /// <summary>How long a connection waits for the communicator that it names to be opened here.</summary>
    public TimeSpan ParkingDeadline { get; set; } = CommunicatorSpec.DefaultProgressDeadline;

    /// <summary>Connections that may wait for their communicators at a time; more are closed.</summary>
    public int MaxParked { get; set; } = 1024;

    /// <summary>What is wrong, by the property that it is about. No message shows the secret.</summary>
    public IEnumerable<(string Property, string Error)> Errors()
    {
        bool isEverywhere = Listen.Address.Equals(IPAddress.Any) || Listen.Address.Equals(IPAddress.IPv6Any);
        (bool Fits, string Property, string Error)[] rules =
        [
            (IPAddress.IsLoopback(Listen.Address) || Secret is not null, nameof(Secret),
                $"is missing: the data server is to listen on {Listen}, where other machines reach it, without a secret, and whoever connects could read and change what is trained. "
                + $"Give every process of the cluster the same {nameof(Secret)}, or listen on loopback"),
            (Secret is null || Secret.Trim().Length >= ClusterSecret.LeastLength, nameof(Secret), $"is shorter than {ClusterSecret.LeastLength} characters; take a random one"),
            (ClusterId is { Length: > 0 }, nameof(ClusterId), "is empty"),
            (HandshakeDeadline > TimeSpan.Zero, nameof(HandshakeDeadline), $"is {HandshakeDeadline}; it must be positive"),
            (ParkingDeadline > TimeSpan.Zero, nameof(ParkingDeadline), $"is {ParkingDeadline}; it must be positive"),
            (MaxHandshakes >= 1, nameof(MaxHandshakes), $"is {MaxHandshakes}; it must be at least 1"),
            (MaxParked >= 1, nameof(MaxParked), $"is {MaxParked}; it must be at least 1"),
            (Advertise is not null || !isEverywhere, nameof(Advertise), $"is missing: the data server listens on every address ({Listen}), and must say where the others reach it"),
            (Advertise is null or IPEndPoint or DnsEndPoint, nameof(Advertise), $"is a {Advertise?.GetType().Name}; it must be an address or a name, with a port"),
        ];
        return rules.Where(rule => !rule.Fits).Select(rule => (rule.Property, rule.Error));
    }

    /// <exception cref="InvalidOperationException">The options cannot work.</exception>
    internal void Validate()
    {
        if (Errors().ToArray() is { Length: > 0 } errors)
        {
            throw new InvalidOperationException(string.Join(' ', errors.Select(error => $"{error.Property} of the data server {error.Error}.")));
        }
    }
}
