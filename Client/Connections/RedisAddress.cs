using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Net;
using StackExchange.Redis;

namespace MoEActors.Client.Connections;

/// <summary>
/// The server in which silos and clients of a cluster meet, as people write it: <c>redis://user:password@host:port</c>, <c>rediss://</c> for TLS, or
/// <c>host:port,password=...</c> as StackExchange.Redis has it. Its text is the place alone.
/// </summary>
internal sealed class RedisAddress
{
    private const int DefaultPort = 6379;
    private const int ConnectMilliseconds = 5000;
    private const int ReconnectMilliseconds = 500;

    private RedisAddress(ConfigurationOptions options) => Options = options;

    /// <summary>How to connect.</summary>
    public ConfigurationOptions Options { get; }

    /// <summary>Reads an address.</summary>
    /// <param name="text">The address.</param>
    /// <param name="password">The password, where it is not in the address.</param>
    /// <exception cref="FormatException">It is none; the message does not repeat it, as there may be a password in it.</exception>
    public static RedisAddress Parse(string text, string? password = null) =>
        TryParse(text, password, out RedisAddress? address, out string? error) ? address : throw new FormatException(error);

    /// <summary>Reads an address, or says what is wrong.</summary>
    public static bool TryParse(string text, string? password, [NotNullWhen(true)] out RedisAddress? address, [NotNullWhen(false)] out string? error)
    {
        (address, error) = (null, "must be redis://HOST:PORT, or HOST:PORT with options as in HOST:PORT,ssl=true");
        ConfigurationOptions options;
        if (IsUri(text))
        {
            if (!Uri.TryCreate(text, UriKind.Absolute, out Uri? uri) || uri.Host.Length == 0 || uri.Query.Length > 0)
            {
                return false;
            }

            options = new ConfigurationOptions { Ssl = uri.Scheme == "rediss" };
            options.EndPoints.Add(uri.IdnHost, uri.Port > 0 ? uri.Port : DefaultPort);
            string[] user = uri.UserInfo.Split(':', 2);
            options.User = user[0].Length > 0 ? Uri.UnescapeDataString(user[0]) : null;
            options.Password = user.Length > 1 ? Uri.UnescapeDataString(user[1]) : null;
            if (uri.AbsolutePath.Trim('/') is { Length: > 0 } database)
            {
                if (!int.TryParse(database, NumberStyles.None, CultureInfo.InvariantCulture, out int number))
                {
                    return false;
                }

                options.DefaultDatabase = number;
            }
        }
        else
        {
            try
            {
                options = ConfigurationOptions.Parse(text);
            }
            catch (ArgumentException)
            {
                return false;
            }

            if (options.EndPoints.Count == 0)
            {
                return false;
            }
        }

        options.Password = password ?? options.Password;
        options.AbortOnConnectFail = true;
        options.ConnectTimeout = ConnectMilliseconds;

        // By itself it waits longer and longer, and training waits with it, when the server has long come back.
        options.ReconnectRetryPolicy = new LinearRetry(ReconnectMilliseconds);
        (address, error) = (new RedisAddress(options), null);
        return true;
    }

    /// <summary>Whether a text can only mean a server, not gateways of silos.</summary>
    public static bool IsUri(string text) =>
        text.StartsWith("redis://", StringComparison.OrdinalIgnoreCase) || text.StartsWith("rediss://", StringComparison.OrdinalIgnoreCase);

    /// <inheritdoc />
    public override string ToString() => string.Join(",", Options.EndPoints.Select(Place));

    private static string Place(EndPoint endpoint) => endpoint switch
    {
        DnsEndPoint name => string.Create(CultureInfo.InvariantCulture, $"{name.Host}:{name.Port}"),
        _ => endpoint.ToString()!,
    };
}
