using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Net;

namespace Orleans.Runtime;

/// <summary>The address of one run of a silo: an endpoint and a generation, which every restart makes anew.</summary>
[Immutable]
[GenerateSerializer]
public sealed class SiloAddress : IEquatable<SiloAddress>, IComparable<SiloAddress>, IParsable<SiloAddress>
{
    private SiloAddress(IPEndPoint endpoint, int generation)
    {
        Endpoint = endpoint;
        Generation = generation;
    }

    /// <summary>The address that means none.</summary>
    public static SiloAddress Zero { get; } = new(new IPEndPoint(0, 0), 0);

    /// <summary>Where the silo listens.</summary>
    public IPEndPoint Endpoint { get; }

    /// <summary>Which of the runs at that endpoint is meant.</summary>
    public int Generation { get; }

    /// <summary>Whether the address is a client's.</summary>
    public bool IsClient => Generation < 0;

    /// <summary>Makes an address.</summary>
    public static SiloAddress New(IPEndPoint ep, int gen)
    {
        ArgumentNullException.ThrowIfNull(ep);
        return new SiloAddress(ep.Address.IsIPv4MappedToIPv6 ? new IPEndPoint(ep.Address.MapToIPv4(), ep.Port) : ep, gen);
    }

    /// <summary>Makes an address.</summary>
    public static SiloAddress New(IPAddress address, int port, int generation) => New(new IPEndPoint(address, port), generation);

    /// <summary>Reads what <see cref="ToParsableString"/> wrote.</summary>
    public static SiloAddress FromParsableString(string addr) => Parse(addr, null);

    /// <summary>Reads what <see cref="ToParsableString"/> wrote.</summary>
    public static SiloAddress Parse(string value, IFormatProvider? provider = null) =>
        TryParse(value, provider, out SiloAddress? address)
            ? address
            : throw new FormatException($"'{value}' is not a silo address; it must read address:port@generation.");

    /// <summary>Reads what <see cref="ToParsableString"/> wrote.</summary>
    public static bool TryParse([NotNullWhen(true)] string? value, IFormatProvider? provider, [NotNullWhen(true)] out SiloAddress? result)
    {
        result = null;
        int at = value?.LastIndexOf('@') ?? -1;
        int colon = at > 0 ? value!.LastIndexOf(':', at) : -1;
        if (colon <= 0
            || !IPAddress.TryParse(value.AsSpan(0, colon), out IPAddress? host)
            || !ushort.TryParse(value.AsSpan(colon + 1, at - colon - 1), NumberStyles.None, CultureInfo.InvariantCulture, out ushort port)
            || !int.TryParse(value.AsSpan(at + 1), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int generation))
        {
            return false;
        }

        result = New(host, port, generation);
        return true;
    }

    /// <summary>The address as <c>address:port@generation</c>.</summary>
    public string ToParsableString() => string.Create(CultureInfo.InvariantCulture, $"{Endpoint.Address}:{Endpoint.Port}@{Generation}");

    /// <summary>A hash that is the same in every process and every run.</summary>
    public int GetConsistentHashCode() => unchecked((int)StableHash.Of(ToParsableString()));

    /// <summary>Whether <paramref name="other"/> is a later run of the same silo.</summary>
    public bool IsPredecessorOf(SiloAddress other) => Endpoint.Equals(other.Endpoint) && Generation < other.Generation;

    /// <summary>Whether <paramref name="other"/> is an earlier run of the same silo.</summary>
    public bool IsSuccessorOf(SiloAddress other) => Endpoint.Equals(other.Endpoint) && Generation > other.Generation;

    /// <inheritdoc/>
    public bool Equals(SiloAddress? other) =>
        ReferenceEquals(this, other) || (other is not null && Generation == other.Generation && Endpoint.Equals(other.Endpoint));

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as SiloAddress);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Endpoint, Generation);

    /// <inheritdoc/>
    public int CompareTo(SiloAddress? other)
    {
        if (other is null)
        {
            return 1;
        }

        int byGeneration = Generation.CompareTo(other.Generation);
        int byPort = byGeneration != 0 ? byGeneration : Endpoint.Port.CompareTo(other.Endpoint.Port);
        return byPort != 0 ? byPort : string.CompareOrdinal(Endpoint.Address.ToString(), other.Endpoint.Address.ToString());
    }

    /// <inheritdoc/>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"S{Endpoint.Address}:{Endpoint.Port}:{Generation}");

    /// <summary>Equality.</summary>
    public static bool operator ==(SiloAddress? left, SiloAddress? right) => left is null ? right is null : left.Equals(right);

    /// <summary>Inequality.</summary>
    public static bool operator !=(SiloAddress? left, SiloAddress? right) => !(left == right);

    /// <summary>Order by generation, port, address.</summary>
    public static bool operator <(SiloAddress? left, SiloAddress? right) => left is null ? right is not null : left.CompareTo(right) < 0;

    /// <summary>Order by generation, port, address.</summary>
    public static bool operator >(SiloAddress? left, SiloAddress? right) => left is not null && left.CompareTo(right) > 0;

    /// <summary>Order by generation, port, address.</summary>
    public static bool operator <=(SiloAddress? left, SiloAddress? right) => !(left > right);

    /// <summary>Order by generation, port, address.</summary>
    public static bool operator >=(SiloAddress? left, SiloAddress? right) => !(left < right);
}
