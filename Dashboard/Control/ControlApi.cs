using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Http.Metadata;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using MoEActors.Client;
using MoEActors.Dashboard.Boards;
using MoEActors.Dashboard.Serving;
using MoEActors.Grains.Interfaces.Errors;
using MoEActors.Grains.Interfaces.Telemetry;

namespace MoEActors.Dashboard.Control;

/// <summary>Changes, for those who have the token. What is asked for is done and told, or refused with its reason; both are logged with who it was.</summary>
/// <param name="services">The host's services: the cluster is looked for when something is to be changed.</param>
/// <param name="board">Where those who watch are told.</param>
/// <param name="guard">Who may.</param>
/// <param name="host">Whose end ends what is waited for.</param>
/// <param name="log">Who has done what.</param>
internal sealed class ControlApi(IServiceProvider services, Board board, ControlGuard guard, IHostApplicationLifetime host, ILogger<ControlApi> log)
{
    /// <summary>Bytes of a request: a few numbers and a name.</summary>
    private const int MostBytes = 4096;

    private const int LongestName = 64, LongestText = 600;

    /// <summary>What is asked for waits for the steps before it; it goes on where nobody waits for it any more.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    private static readonly JsonSerializerOptions Json =
        BoardJson.Set(new JsonSerializerOptions { UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow });

    private ControlActions Actions => new(services.GetRequiredService<MoECluster>());

    /// <summary>Maps it.</summary>
    public void Map(RouteGroupBuilder api)
    {
        RouteGroupBuilder changes = api.MapGroup("/control").WithGroupName(DashboardApi.Document).AddEndpointFilter(guard).WithMetadata(new FewBytes());
        Describe<ControlRequest>("Says whether the token is the right one", changes.MapPost("/check", (Delegate)((HttpContext context) =>
            AnswerAsync<ControlRequest>(context, null, "a look", (_, _) => Task.FromResult("The token is the right one.")))));
        Describe<GateRequest>("Changes the routing policy of a layer", changes.MapPost("/models/{model}/layers/{layer}/gate", (HttpContext context, string model, int layer) =>
            AnswerAsync<GateRequest>(context, model, $"another gate for layer {layer} of {model}", (request, end) => Actions.ConfigureGateAsync(model, layer, request, end))));
        Describe<DirectorRequest>("Changes the director's settings, pauses it, or turns it off", changes.MapPost("/models/{model}/director", (HttpContext context, string model) =>
            AnswerAsync<DirectorRequest>(context, model, $"other settings for the director of {model}", (request, end) => Actions.DirectAsync(model, request, end))));
        Describe<MoveExpertRequest>("Moves an expert to another worker", changes.MapPost("/models/{model}/move", (HttpContext context, string model) =>
            AnswerAsync<MoveExpertRequest>(context, model, $"a move of an expert of {model}", (request, end) => Actions.MoveAsync(model, request, end))));
        Describe<ControlRequest>("Takes a snapshot", changes.MapPost("/models/{model}/snapshot", (HttpContext context, string model) =>
            AnswerAsync<ControlRequest>(context, model, $"a snapshot of {model}", (_, end) => Actions.SnapshotAsync(model, end))));
        Describe<ControlRequest>("Takes all experts from a silo, which takes part in no step any more", changes.MapPost("/silos/{silo}/drain", (HttpContext context, string silo) =>
            AnswerAsync<ControlRequest>(context, null, $"the drain of silo {silo}", (_, end) => Actions.DrainAsync(silo, drained: true, end))));
        Describe<ControlRequest>("Lets a silo that was drained take part again", changes.MapPost("/silos/{silo}/undrain", (HttpContext context, string silo) =>
            AnswerAsync<ControlRequest>(context, null, $"the end of the drain of silo {silo}", (_, end) => Actions.DrainAsync(silo, drained: false, end))));
    }

    private static void Describe<T>(string summary, RouteHandlerBuilder endpoint)
        where T : ControlRequest => endpoint
        .WithSummary(summary)
        .WithDescription($"Needs the header {ControlGuard.Header}. An answer that is none of these is a problem (RFC 9457), whose detail says why nothing was changed.")
        .Accepts<T>("application/json").Produces<ControlAnswer>()
        .ProducesProblem(StatusCodes.Status400BadRequest).ProducesProblem(StatusCodes.Status401Unauthorized).ProducesProblem(StatusCodes.Status403Forbidden)
        .ProducesProblem(StatusCodes.Status404NotFound).ProducesProblem(StatusCodes.Status409Conflict).ProducesProblem(StatusCodes.Status413PayloadTooLarge)
        .ProducesProblem(StatusCodes.Status415UnsupportedMediaType).ProducesProblem(StatusCodes.Status422UnprocessableEntity)
        .ProducesProblem(StatusCodes.Status429TooManyRequests).ProducesProblem(StatusCodes.Status503ServiceUnavailable);

    private async Task<IResult> AnswerAsync<T>(HttpContext context, string? model, string what, Func<T, CancellationToken, Task<string>> change)
        where T : ControlRequest
    {
        if (!context.Request.HasJsonContentType())
        {
            return Problem(StatusCodes.Status415UnsupportedMediaType, "The body must be JSON, and say so.");
        }

        T request;
        try
        {
            request = await JsonSerializer.DeserializeAsync<T>(context.Request.Body, Json, context.RequestAborted)
                ?? throw new JsonException("It is null.");
        }
        catch (JsonException e)
        {
            return Problem(StatusCodes.Status400BadRequest, $"The body is not what is expected here. {e.Message}");
        }
        catch (BadHttpRequestException e)
        {
            return Problem(e.StatusCode, e.StatusCode == StatusCodes.Status413PayloadTooLarge ? $"The body is larger than {MostBytes} bytes." : e.Message);
        }

        string by = Shown(request.By, LongestName) is { Length: > 0 } name ? name : "Somebody";
        string address = ControlGuard.AddressOf(context);
        what = Shown(what, LongestText);
        using var end = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, host.ApplicationStopping);
        end.CancelAfter(Patience);
        try
        {
            string done = await change(request, end.Token);
            ControlLog.Done(log, by, address, Shown(done, LongestText));
            foreach (ModelBoard shown in board.Of(model))
            {
                shown.Note(DateTimeOffset.UtcNow, shown.Step, FeedNoteKind.Settings, $"{by}, at {address}: {done}");
            }

            return TypedResults.Json(new ControlAnswer(done), Json);
        }
        catch (Exception e) when (CodeOf(e, end.Token) is not null)
        {
            string reason = e is OperationCanceledException
                ? string.Create(CultureInfo.InvariantCulture, $"It is not done after {Patience.TotalSeconds:0} s, or nobody waited for it; it may still be done: look.")
                : e.Message;
            ControlLog.Refused(log, by, address, what, Shown(reason, LongestText));
            return Problem(CodeOf(e, end.Token)!.Value, reason);
        }
    }

    private static int? CodeOf(Exception e, CancellationToken end) => e switch
    {
        ModelNotFoundException => StatusCodes.Status404NotFound,
        InvalidRequestException or ModelConfigurationException => StatusCodes.Status422UnprocessableEntity,
        ViewFailedException or TimeoutException or OrleansException => StatusCodes.Status503ServiceUnavailable,
        MoEException => StatusCodes.Status409Conflict,
        OperationCanceledException when end.IsCancellationRequested => StatusCodes.Status503ServiceUnavailable,
        _ => null,
    };

    private static ProblemHttpResult Problem(int code, string detail) => TypedResults.Problem(detail, statusCode: code);

    /// <summary>A text in one line of a log, without what shows nothing or turns what stands around it about.</summary>
    private static string Shown(string? text, int longest)
    {
        var shown = new StringBuilder();
        foreach (Rune rune in (text ?? "").EnumerateRunes())
        {
            bool isShown = Rune.GetUnicodeCategory(rune) is not (UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator
                or UnicodeCategory.ParagraphSeparator or UnicodeCategory.PrivateUse or UnicodeCategory.OtherNotAssigned);
            shown.Append(isShown ? rune.ToString() : " ");
            if (shown.Length >= longest)
            {
                shown.Append('…');
                break;
            }
        }

        return shown.ToString().Trim();
    }

    /// <summary>What a request may be long.</summary>
    private sealed class FewBytes : IRequestSizeLimitMetadata
    {
        public long? MaxRequestBodySize => MostBytes;
    }
}
