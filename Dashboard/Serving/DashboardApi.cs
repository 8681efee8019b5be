using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.OpenApi;
using MoEActors.Dashboard.Boards;
using MoEActors.Grains.Interfaces.Training;
using MoEActors.Placement.Planners;

namespace MoEActors.Dashboard.Serving;

/// <summary>What there is here.</summary>
/// <param name="HasControl">Whether those who have the token can change something.</param>
/// <param name="Policies">Policies that the director knows.</param>
/// <param name="HasOrleans">Whether Orleans' own dashboard is below <c>orleans/</c>.</param>
internal sealed record About(bool HasControl, string[] Policies, bool HasOrleans);

/// <summary>What the page shows, for programs: as JSON, and as a stream.</summary>
internal static class DashboardApi
{
    /// <summary>Name of the OpenAPI document.</summary>
    public const string Document = "moe-dashboard";

    /// <summary>Adds the OpenAPI document of what <see cref="Map"/> maps.</summary>
    public static IServiceCollection AddDescription(IServiceCollection services) =>
        services.AddOpenApi(Document, options =>
        {
            options.ShouldInclude = endpoint => endpoint.GroupName == Document;
            options.AddDocumentTransformer((document, _, _) =>
            {
                document.Info = new OpenApiInfo { Title = "MoEActors dashboard", Version = "1", Description = "What a cluster does while it trains, and what can be changed of it by those who have the token." };
                document.Servers?.Clear();
                return Task.CompletedTask;
            });

            // The host's own options of JSON are not ours to change.
            options.AddSchemaTransformer((schema, context, _) =>
            {
                Type type = Nullable.GetUnderlyingType(context.JsonTypeInfo.Type) ?? context.JsonTypeInfo.Type;
                if (type.IsEnum)
                {
                    (schema.Type, schema.Enum) = (JsonSchemaType.String, [.. Enum.GetNames(type).Select(name => JsonNode.Parse($"\"{JsonNamingPolicy.CamelCase.ConvertName(name)}\"")!)]);
                }

                return Task.CompletedTask;
            });
        });

    /// <summary>Maps the API.</summary>
    public static void Map(RouteGroupBuilder api, Board board, LiveStream stream, MoEDashboardOptions options, bool hasOrleans)
    {
        api.MapOpenApi("/{documentName}.json").Add(endpoint =>
        {
            // Other documents of the host are not ours to show.
            RequestDelegate serve = endpoint.RequestDelegate!;
            endpoint.RequestDelegate = context => context.GetRouteValue("documentName") is Document ? serve(context) : Results.NotFound().ExecuteAsync(context);
        });
        RouteGroupBuilder described = api.MapGroup("").WithGroupName(Document);
        byte[] about = JsonSerializer.SerializeToUtf8Bytes(
            new About(options.ControlToken is not null, [.. PlannerCatalog.All.Select(planner => planner.Name)], hasOrleans), BoardJson.Options);
        Get<About>("/about", "What there is here", _ => about);
        Get<ClusterPicture>("/cluster", "The silos", _ => board.Cluster.Json);
        Get<ModelSummary[]>("/models", "The models", _ => board.Models.Json);
        Get<StatusPicture>("/models/{model}", "How a model stands", model => model?.Status.Json);
        Get<RunPicture>("/models/{model}/run", "Its configuration", model => model?.Run.Json);
        Get<WorkerPicture[]>("/models/{model}/workers", "Its workers: memory, load, and where their time goes", model => model?.Workers.Json);
        Get<LayerPicture[]>("/models/{model}/layers", "Its layers: balance, drops, dead experts", model => model?.Layers.Json);
        Get<DecisionPicture[]>("/models/{model}/decisions", "What its director has decided, and why", model => model is null ? null : JsonArray.Of(model.Decisions.Since(0)));
        Get<NotePicture[]>("/models/{model}/notes", "What else has happened to it", model => model is null ? null : JsonArray.Of(model.Notes.Since(0)));
        Get<Dictionary<string, double?[]>>(
            "/models/{model}/series", "Its figures over time, an array for each column: the last hour by the second, and the day before it by the minute",
            model => model is null ? null : Series.ToJson(model.Series.Since(0)));
        GetOfLayer<PlacementPicture>("placement", "Which workers have which experts of a layer", layer => layer.Placement.Json);
        GetOfLayer<LoadPicture>("load", "The tokens of a layer's experts in the load window", layer => layer.Load.Json);
        described.MapGet("/stream", (HttpContext context, string? model, int layer = 0) => stream.ServeAsync(context, model, layer))
            .WithSummary("Server-sent events: `snapshot`, then `delta` with what has changed; Last-Event-ID goes on where an earlier stream has ended")
            .Produces<string>(StatusCodes.Status200OK, "text/event-stream").Produces(StatusCodes.Status503ServiceUnavailable);

        void Get<T>(string path, string summary, Func<ModelBoard?, byte[]?> json)
        {
            Func<string?, IResult> answer = model => Answer(board.Read(() => json(model is null ? null : board.Find(model))));
            (path.Contains("{model}", StringComparison.Ordinal)
                ? described.MapGet(path, (string model) => answer(model)).Produces(StatusCodes.Status404NotFound)
                : described.MapGet(path, () => answer(null))).WithSummary(summary).Produces<T>();
        }

        void GetOfLayer<T>(string part, string summary, Func<LayerBoard, byte[]?> json) =>
            described.MapGet($"/models/{{model}}/layers/{{layer}}/{part}", (string model, int layer) =>
                    Answer(board.Read(() => board.Find(model)?.Find(layer) is { } found ? json(found) : null)))
                .WithSummary(summary).Produces<T>().Produces(StatusCodes.Status404NotFound);
    }

    private static IResult Answer(byte[]? json) => json is null ? Results.NotFound() : new JsonBytes(json);

    /// <summary>What is JSON already.</summary>
    private sealed class JsonBytes(byte[] json) : IResult
    {
        public async Task ExecuteAsync(HttpContext httpContext)
        {
            httpContext.Response.ContentType = "application/json; charset=utf-8";
            httpContext.Response.Headers.CacheControl = "no-store";
            httpContext.Response.ContentLength = json.Length;
            await httpContext.Response.Body.WriteAsync(json, httpContext.RequestAborted);
        }
    }
}
