using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using System.Threading.RateLimiting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using MoEActors.Dashboard.Serving;

namespace MoEActors.Dashboard.Control;

/// <summary>
/// Who may change something: whoever brings the token, from a page of ours or from a program. Where somebody has been wrong too often, nobody is heard for a
/// minute, and what comes is not even compared.
/// </summary>
internal sealed class ControlGuard(IOptions<MoEDashboardOptions> options, ILogger<ControlGuard> log) : IEndpointFilter, IDisposable
{
    /// <summary>Wrong tokens a minute: of one address, and of all together.</summary>
    private const int MostOfOne = 5, MostOfAll = 100;

    /// <summary>
    /// The header that has the token. Not Authorization: that may be for whoever stands before the page, a proxy with a login or the host itself.
    /// </summary>
    public const string Header = "MoE-Control-Token";

    private static readonly TimeSpan Window = TimeSpan.FromMinutes(1);

    private readonly byte[]? _token = options.Value.ControlToken is { } token ? Digest(token) : null;
    private readonly Lock _lock = new();
    private readonly PartitionedRateLimiter<string> _mistakes = PartitionedRateLimiter.CreateChained(
        PartitionedRateLimiter.Create<string, string>(address => RateLimitPartition.GetFixedWindowLimiter(address, _ => Allows(MostOfOne))),
        PartitionedRateLimiter.Create<string, string>(_ => RateLimitPartition.GetFixedWindowLimiter("", _ => Allows(MostOfAll))));

    /// <summary>Whether there is a token.</summary>
    private bool IsOn => _token is not null;

    /// <summary>Where a request comes from, as logs have it.</summary>
    public static string AddressOf(HttpContext context) =>
        context.Connection.RemoteIpAddress is { } address ? (address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address).ToString() : "an unknown address";

    /// <inheritdoc />
    public async ValueTask<object?> InvokeAsync(EndpointFilterInvocationContext context, EndpointFilterDelegate next) =>
        Refusal(context.HttpContext) is { } refusal ? refusal : await next(context);

    /// <inheritdoc />
    public void Dispose() => _mistakes.Dispose();

    private ProblemHttpResult? Refusal(HttpContext context)
    {
        if (!IsOn)
        {
            return Refused(StatusCodes.Status403Forbidden, "Nothing can be changed here: the dashboard was started without a control token.");
        }

        if (IsOfAnotherSite(context.Request))
        {
            ControlLog.CrossSite(log, AddressOf(context));
            return Refused(StatusCodes.Status403Forbidden, "This was asked for by a page of another site.");
        }

        return Judge(context) switch
        {
            Verdict.Welcome => null,
            Verdict.TooOften => TooOften(context),
            Verdict.Nothing => Unauthorized(context, $"This needs the control token, in the header {Header}."),
            _ => Unauthorized(context, "That is not the control token."),
        };
    }

    private Verdict Judge(HttpContext context)
    {
        string given = context.Request.Headers[Header].ToString();
        string from = Network(context);

        // One after the other: many that come at once are no more tries than there are.
        lock (_lock)
        {
            using RateLimitLease room = _mistakes.AttemptAcquire(from, permitCount: 0);
            if (!room.IsAcquired)
            {
                return Verdict.TooOften;
            }

            if (given.Length == 0)
            {
                return Verdict.Nothing;
            }

            if (CryptographicOperations.FixedTimeEquals(Digest(given), _token))
            {
                return Verdict.Welcome;
            }

            _mistakes.AttemptAcquire(from).Dispose();
        }

        ControlLog.WrongToken(log, AddressOf(context));
        return Verdict.Wrong;
    }

    /// <summary>
    /// A browser says by itself where a request comes from: by Sec-Fetch-Site, whatever proxies there are, or by Origin where the page came without TLS from another
    /// machine. Programs say neither, and no page makes them bring a token.
    /// </summary>
    private static bool IsOfAnotherSite(HttpRequest request)
    {
        if (request.Headers["Sec-Fetch-Site"].ToString() is { Length: > 0 } site)
        {
            return site != "same-origin";
        }

        return request.Headers.Origin.ToString() is { Length: > 0 } origin
            && !(Uri.TryCreate(origin, UriKind.Absolute, out Uri? page) && string.Equals(page.Authority, request.Host.Value, StringComparison.OrdinalIgnoreCase));
    }

    private static ProblemHttpResult TooOften(HttpContext context)
    {
        context.Response.Headers.RetryAfter = Window.TotalSeconds.ToString("0", CultureInfo.InvariantCulture);
        return Refused(StatusCodes.Status429TooManyRequests, "Too many wrong tokens have come from there. Wait a minute.");
    }

    private static ProblemHttpResult Unauthorized(HttpContext context, string detail)
    {
        context.Response.Headers.WWWAuthenticate = Header;
        return Refused(StatusCodes.Status401Unauthorized, detail);
    }

    private static ProblemHttpResult Refused(int code, string detail) => TypedResults.Problem(detail, statusCode: code);

    /// <summary>Of IPv6 the network: whoever has one has all its addresses.</summary>
    private static string Network(HttpContext context) =>
        context.Connection.RemoteIpAddress is { AddressFamily: AddressFamily.InterNetworkV6, IsIPv4MappedToIPv6: false } address && !IPAddress.IsLoopback(address)
            ? Convert.ToHexString(address.GetAddressBytes().AsSpan(0, 8))
            : AddressOf(context);

    /// <summary>Digests are of one length, so that how long the comparison takes tells nothing.</summary>
    private static byte[] Digest(string token) => SHA256.HashData(Encoding.UTF8.GetBytes(token));

    private static FixedWindowRateLimiterOptions Allows(int count) => new() { PermitLimit = count, Window = Window, QueueLimit = 0 };

    private enum Verdict
    {
        Welcome,
        Nothing,
        Wrong,
        TooOften,
    }
}
