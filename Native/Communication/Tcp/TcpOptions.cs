using System.Net;
using System.Security.Cryptography;
using System.Text;

namespace MoEActors.Native.Communication.Tcp;

/// <summary>How a process takes part in the data plane between processes.</summary>
public sealed class TcpOptions
{
    /// <summary>A secret has at least as many characters.</summary>
    public const int ShortestSecret = 16;

    /// <summary>Where the process listens. Port 0 takes a free one. Beyond loopback it needs a <see cref="Secret"/>.</summary>
    public IPEndPoint Listen { get; set; } = new(IPAddress.Loopback, 0);

    /// <summary>
    /// Where the others reach it, if that is not where it listens: an address or a name. Port 0 stands for the port that it listens on. Needed when it
    /// listens on every address of the machine.
    /// </summary>
    public EndPoint? Advertise { get; set; }

    /// <summary>Name of the cluster: processes of another one are refused.</summary>
    public string ClusterId { get; set; } = "default";

    /// <summary>What all processes of the cluster know and nobody else; at least <see cref="ShortestSecret"/> characters. Connections without it are refused.</summary>
    public string? Secret { get; set; }

    /// <summary>How long a connection may take to say who it is.</summary>
    public TimeSpan HandshakeDeadline { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>Connections that may be saying who they are at a time; more are closed.</summary>
    public int MaxHandshakes { get; set; } = 128;

    /// <summary>How long a connection waits for the communicator that it names to be opened here.</summary>
    public TimeSpan ParkingDeadline { get; set; } = CommunicatorSpec.DefaultProgressDeadline;

    /// <summary>Connections that may wait for their communicators at a time; more are closed.</summary>
    public int MaxParked { get; set; } = 1024;

    /// <summary>The key of the handshake: another secret or another cluster has another one.</summary>
    internal byte[] Key() => HMACSHA256.HashData(Encoding.UTF8.GetBytes(Secret ?? ""), Encoding.UTF8.GetBytes(ClusterId));

    /// <exception cref="InvalidOperationException">The options cannot work; the message never shows the secret.</exception>
    internal void Validate()
    {
        if (!IPAddress.IsLoopback(Listen.Address) && Secret is null)
        {
            throw new InvalidOperationException(
                $"The data server is to listen on {Listen}, where other machines reach it, without a secret: whoever connects could read and change what is "
                + $"trained. Give every process of the cluster the same {nameof(Secret)}, or listen on loopback.");
        }

        Require(Secret is null || Secret.Length >= ShortestSecret, $"The {nameof(Secret)} of the data server is shorter than {ShortestSecret} characters; take a random one.");
        Require(ClusterId is { Length: > 0 }, $"The {nameof(ClusterId)} of the data server is empty.");
        Require(HandshakeDeadline > TimeSpan.Zero, $"{nameof(HandshakeDeadline)} is {HandshakeDeadline}; it must be positive.");
        Require(ParkingDeadline > TimeSpan.Zero, $"{nameof(ParkingDeadline)} is {ParkingDeadline}; it must be positive.");
        Require(MaxHandshakes >= 1, $"{nameof(MaxHandshakes)} is {MaxHandshakes}; it must be at least 1.");
        Require(MaxParked >= 1, $"{nameof(MaxParked)} is {MaxParked}; it must be at least 1.");
        Require(
            Advertise is not null || !(Listen.Address.Equals(IPAddress.Any) || Listen.Address.Equals(IPAddress.IPv6Any)),
            $"The data server listens on every address ({Listen}): {nameof(Advertise)} must say where the others reach it.");
        Require(Advertise is null or IPEndPoint or DnsEndPoint, $"{nameof(Advertise)} is a {Advertise?.GetType().Name}; it must be an address or a name, with a port.");
    }

    private static void Require(bool fits, string otherwise)
    {
        if (!fits)
        {
            throw new InvalidOperationException(otherwise);
        }
    }
}
