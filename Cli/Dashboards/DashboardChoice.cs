using System.CommandLine;
using System.Globalization;
using System.Net;

namespace MoEActors.Cli.Dashboards;

/// <summary>Where a dashboard is wanted.</summary>
/// <param name="Endpoint">The address; null for none.</param>
internal sealed record DashboardChoice(IPEndPoint? Endpoint)
{
    public const string OptionName = "--dashboard";

    /// <summary>A port of this machine alone, for whoever asks for no other.</summary>
    public const string Default = "5080";

    /// <summary>No dashboard: a cluster of other processes has its own.</summary>
    public const string None = "off";

    /// <summary>How it is written.</summary>
    public const string Forms = "off, a port of 127.0.0.1, or ADDRESS:PORT";

    /// <summary>What whoever changes something by it must bring; null where nothing can be changed.</summary>
    public string? Token { get; init; }

    /// <summary>Whether Orleans' own dashboard is beside it.</summary>
    public bool HasOrleans { get; init; }

    /// <summary>No dashboard.</summary>
    public static DashboardChoice Off { get; } = new((IPEndPoint?)null);

    /// <summary>The option of a command.</summary>
    public static Option<string?> Option() => TextOption.Optional(
        OptionName, "PORT", $"Where the dashboard is served: {Forms}; {Default} where it is left out, or a free port where that is taken.");

    /// <summary>The choice of a command.</summary>
    /// <param name="text">The value of the option; null where it is left out.</param>
    /// <param name="otherwise">What is meant then.</param>
    /// <exception cref="UsageException">It is none.</exception>
    public static DashboardChoice Of(string? text, string otherwise = Default) =>
        TryParse(text ?? otherwise, out DashboardChoice choice) ? choice : throw new UsageException($"{OptionName} '{text}' is none of: {Forms}.");

    /// <summary>Reads a choice.</summary>
    public static bool TryParse(string text, out DashboardChoice choice)
    {
        choice = Off;
        if (text == None)
        {
            return true;
        }

        if (ushort.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out ushort port))
        {
            choice = new DashboardChoice(new IPEndPoint(IPAddress.Loopback, port));
            return true;
        }

        // An address alone would be of port 0, and a number alone an address.
        int colon = text.LastIndexOf(':');
        if (colon > 0 && text[colon - 1] is not ':' && (text[0] == '[') == (text[colon - 1] == ']') && IPEndPoint.TryParse(text, out IPEndPoint? endpoint)
            && text.AsSpan(colon + 1).SequenceEqual(endpoint.Port.ToString(CultureInfo.InvariantCulture)))
        {
            choice = new DashboardChoice(endpoint);
            return true;
        }

        return false;
    }
}
