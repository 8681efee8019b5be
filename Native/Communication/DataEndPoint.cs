using System.Globalization;
using System.Net;

namespace MoEActors.Native.Communication;

/// <summary>Where a host accepts data connections, as text: <c>10.0.0.1:4000</c>, <c>[::1]:4000</c> or <c>name:4000</c>.</summary>
public static class DataEndPoint
{
    /// <summary>The text of an address or a name, with a port.</summary>
    public static string Format(EndPoint endPoint) => endPoint switch
    {
        IPEndPoint address => address.ToString(),
        DnsEndPoint name => string.Create(CultureInfo.InvariantCulture, $"{name.Host}:{name.Port}"),
        _ => throw new ArgumentException($"A {endPoint?.GetType().Name} is neither an address nor a name.", nameof(endPoint)),
    };

    /// <summary>The address or name of a text.</summary>
    /// <exception cref="FormatException">The text is none of the three forms.</exception>
    public static EndPoint Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        int colon = text.LastIndexOf(':');
        if (colon <= 0 || !ushort.TryParse(text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out ushort port))
        {
            throw new FormatException($"'{text}' names no place of data connections; it takes an address or a name, a colon and a port.");
        }

        // Without its port: an address of version 6 has colons of its own, and is told from them by its brackets.
        string host = text[..colon];
        return host[0] == '[' || !host.Contains(':')
            ? IPAddress.TryParse(host.Trim('[', ']'), out IPAddress? address) ? new IPEndPoint(address, port) : new DnsEndPoint(host, port)
            : throw new FormatException($"'{text}' names no place of data connections; write an address of version 6 in brackets.");
    }
}
