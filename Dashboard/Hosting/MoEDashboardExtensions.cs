using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Metadata;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using MoEActors.Client;
using MoEActors.Client.Configuration;
using MoEActors.Dashboard.Boards;
using MoEActors.Dashboard.Control;
using MoEActors.Dashboard.Serving;
using MoEActors.Dashboard.Watching;

namespace MoEActors.Dashboard.Hosting;

/// <summary>Serves the dashboard in an ASP.NET Core host: a page that shows the cluster while it trains, and the same data for programs.</summary>
public static class MoEDashboardExtensions
{
    /// <summary>Where Orleans' own dashboard is, below ours.</summary>
    public const string OrleansPath = "/orleans";

    /// <summary>
    /// Adds what follows the cluster. It asks each coordinator twice a second what is new, whether anybody looks or not, so that there is a past to look at; viewers add
    /// nothing to that. The host needs a <see cref="MoECluster"/>, as <see cref="MoEClientServices.AddMoEClient"/> adds one.
    /// </summary>
    /// <param name="services">The host's services.</param>
    /// <param name="configure">Sets options, over those of the host's configuration.</param>
    public static IServiceCollection AddMoEDashboard(this IServiceCollection services, Action<MoEDashboardOptions>? configure = null)
    {
        OptionsBuilder<MoEDashboardOptions> options =
            services.AddOptions<MoEDashboardOptions>().BindWhole(MoEDashboardOptions.Section).ValidateDataAnnotations();
        if (configure is not null)
        {
            options.Configure(configure);
        }

        services.AddSingleton<Board>();
        services.AddSingleton<LiveStream>();
        services.AddSingleton<PageFiles>();
        services.AddSingleton<ControlGuard>();
        services.AddSingleton<ControlApi>();
        services.AddHostedService<ClusterWatch>();
        return DashboardApi.AddDescription(services);
    }

    /// <summary>
    /// Maps the page, its API below <c>api</c> and the API's OpenAPI document at <c>api/moe-dashboard.json</c>. To look it is open to whoever reaches the host unless the result is
    /// protected, as by <c>RequireAuthorization()</c>; to change anything needs <see cref="MoEDashboardOptions.ControlToken"/>.
    /// </summary>
    /// <param name="endpoints">The application.</param>
    /// <param name="prefix">The path of the page.</param>
    /// <param name="orleans">
    /// Maps Orleans' own dashboard beside it, where silos and host have that of the package Microsoft.Orleans.Dashboard: <c>beside => beside.MapOrleansDashboard(MoEDashboardExtensions.OrleansPath)</c>.
    /// It has the same protection, and the page a link to it.
    /// </param>
    /// <exception cref="InvalidOperationException"><see cref="AddMoEDashboard"/> was not called.</exception>
    public static RouteGroupBuilder MapMoEDashboard(this IEndpointRouteBuilder endpoints, string prefix = "/", Action<RouteGroupBuilder>? orleans = null)
    {
        ArgumentNullException.ThrowIfNull(endpoints);
        IServiceProvider services = endpoints.ServiceProvider;
        Board board = services.GetService<Board>()
            ?? throw new InvalidOperationException($"Call services.{nameof(AddMoEDashboard)}() before {nameof(MapMoEDashboard)}.");
        RouteGroupBuilder group = endpoints.MapGroup(prefix);
        ((IEndpointConventionBuilder)group).Add(endpoint =>
        {
            RequestDelegate? serve = endpoint.RequestDelegate;
            endpoint.RequestDelegate = context =>
            {
                PageFiles.Protect(context.Response, isOurs: context.GetEndpoint()?.Metadata.GetMetadata<Neighbour>() is null);
                return serve!(context);
            };
        });
        group.WithMetadata(new NothingToSend());
        PageFiles files = services.GetRequiredService<PageFiles>();
        group.MapGet("/", context => PageAsync(context, files)).ExcludeFromDescription();
        foreach (string file in files.Names)
        {
            group.MapGet($"/{file}", context => files.ServeAsync(context, file)).ExcludeFromDescription();
        }

        RouteGroupBuilder api = group.MapGroup("/api");
        DashboardApi.Map(api, board, services.GetRequiredService<LiveStream>(), services.GetRequiredService<IOptions<MoEDashboardOptions>>().Value, hasOrleans: orleans is not null);
        services.GetRequiredService<ControlApi>().Map(api);
        orleans?.Invoke(group.MapGroup("").WithMetadata(new Neighbour()));
        return group;
    }

    /// <summary>The page names its parts relative to itself: below a prefix, its address must end with a slash.</summary>
    private static Task PageAsync(HttpContext context, PageFiles files)
    {
        if (!context.Request.Path.Value!.EndsWith('/'))
        {
            context.Response.Redirect($"{context.Request.PathBase}{context.Request.Path}/");
            return Task.CompletedTask;
        }

        return files.ServeAsync(context, PageFiles.Index);
    }

    /// <summary>What belongs to a page that is not ours.</summary>
    private sealed class Neighbour;

    /// <summary>Nothing reads a body but what says so.</summary>
    private sealed class NothingToSend : IRequestSizeLimitMetadata
    {
        public long? MaxRequestBodySize => 0;
    }
}
