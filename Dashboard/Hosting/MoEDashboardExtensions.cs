using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Metadata;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using MoEActors.Client;
using MoEActors.Client.Configuration;
using MoEActors.Dashboard.Boards;
using MoEActors.Dashboard.Serving;
using MoEActors.Dashboard.Watching;

namespace MoEActors.Dashboard.Hosting;

/// <summary>Serves the dashboard in an ASP.NET Core host: a page that shows the cluster while it trains, and the same data for programs.</summary>
public static class MoEDashboardExtensions
{
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
        services.AddHostedService<ClusterWatch>();
        return DashboardApi.AddDescription(services);
    }

    /// <summary>
    /// Maps the page, its API below <c>api</c> and the API's OpenAPI document at <c>api/moe-dashboard.json</c>. All of it is read-only. It is open to whoever reaches the host unless
    /// the result is protected, as by <c>RequireAuthorization()</c>.
    /// </summary>
    /// <param name="endpoints">The application.</param>
    /// <param name="prefix">The path of the page.</param>
    /// <exception cref="InvalidOperationException"><see cref="AddMoEDashboard"/> was not called.</exception>
    public static RouteGroupBuilder MapMoEDashboard(this IEndpointRouteBuilder endpoints, string prefix = "/")
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
                PageFiles.Protect(context.Response);
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

        DashboardApi.Map(group.MapGroup("/api"), board, services.GetRequiredService<LiveStream>());
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

    /// <summary>Nothing here reads a body.</summary>
    private sealed class NothingToSend : IRequestSizeLimitMetadata
    {
        public long? MaxRequestBodySize => 0;
    }
}
