using MoEActors.Client;
using MoEActors.Grains.Interfaces.Errors;
using MoEActors.Grains.Interfaces.Training;
using MoEActors.Modules.Models;
using MoEActors.Modules.Optimizers;
using MoEActors.Silo.Hosting;
using OpenTelemetry.Metrics;

// Usage: dotnet run -c Release --project docs/examples/WebHost
//   curl -X POST 'http://localhost:5000/models/mine/steps?count=20'      trains, a JSON object for each step as it comes
//   curl http://localhost:5000/models/mine                               how the model stands
//   curl http://localhost:5000/health
//   curl http://localhost:5000/metrics                                   what is measured, for Prometheus
WebApplicationBuilder builder = WebApplication.CreateBuilder(args);

// A silo of its own in this process: `UseRedisClustering` or another provider in its place makes it one of many.
builder.Host.UseOrleans((context, silo) => silo
    .UseLocalhostClustering(context.Configuration.GetValue<int>("Ports:Silo"), context.Configuration.GetValue<int>("Ports:Gateway"))
    .AddMoE());
builder.Services.AddMoEClient();
builder.Services.AddHealthChecks().AddMoESilo();
builder.Services.AddOpenTelemetry()
    .WithTracing(tracing => tracing.AddSource("MoEActors"))
    .WithMetrics(metrics => metrics.AddMeter("MoEActors").AddPrometheusExporter());

// A request that cannot be carried out is answered with the message of the error, which says why.
builder.Services.Configure<RouteHandlerOptions>(options => options.ThrowOnBadRequest = true);
builder.Services.AddProblemDetails(options => options.CustomizeProblemDetails = problem =>
    problem.ProblemDetails.Detail = problem.Exception is MoEException or BadHttpRequestException ? problem.Exception.Message : null);

WebApplication app = builder.Build();
app.UseExceptionHandler(new ExceptionHandlerOptions
{
    StatusCodeSelector = StatusOf,
    SuppressDiagnosticsCallback = context => StatusOf(context.Exception) < StatusCodes.Status500InternalServerError,
});
app.UseStatusCodePages();
app.MapHealthChecks("/health");
app.MapPrometheusScrapingEndpoint("/metrics");
app.MapGet("/models/{name}", async (string name, MoECluster cluster, CancellationToken cancellation) =>
{
    TrainingStatus status = await (await cluster.OpenModelAsync(name, cancellation)).GetStatusAsync(cancellation);
    return new { status.Model, status.Step, Workers = status.SiloNames.Length };
});
app.MapPost("/models/{name}/steps", async (string name, int count, MoECluster cluster, CancellationToken cancellation) =>
{
    if (count < 1)
    {
        throw new BadHttpRequestException($"count is {count}; at least one step can be trained.");
    }

    // Before the answer has begun: after that, its status is a good one.
    var run = new RunConfiguration
    {
        Model = new ModelConfiguration { Dim = 32, Heads = 2, KeyValueHeads = 1, Hidden = 64, Experts = [8, 8], MaximumSequence = 32 },
        Optimizer = new OptimizerOptions { LearningRate = 3e-3f, TotalSteps = 100_000 },
    };
    MoEModel model = await cluster.CreateModelAsync(name, run, cancellationToken: cancellation);
    return TrainAsync(model, count, app.Lifetime.ApplicationStopping, cancellation);
});
app.Run();

static int StatusOf(Exception exception) => exception switch
{
    ModelNotFoundException => StatusCodes.Status404NotFound,
    InvalidRequestException => StatusCodes.Status400BadRequest,
    StepTakenException => StatusCodes.Status409Conflict,
    MemoryRefusedException => StatusCodes.Status507InsufficientStorage,
    BadHttpRequestException bad => bad.StatusCode,
    _ => StatusCodes.Status500InternalServerError,
};

static async IAsyncEnumerable<TrainedStep> TrainAsync(
    MoEModel model, int count, CancellationToken stopping, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellation)
{
    RunConfiguration run = model.Run;
    long first = model.Step + 1;
    var batches = Enumerable.Range(0, count).Select(step => Counting.Batch(first + step, run.MicroBatches, run.Model.MaximumSequence));
    await using IAsyncEnumerator<StepOutcome> steps = model.TrainAsync(batches, cancellation).GetAsyncEnumerator(cancellation);
    long last = model.Step;
    while (await NextAsync(steps, stopping))
    {
        last = steps.Current.Step;
        yield return new TrainedStep(last, steps.Current.CrossEntropy);
    }

    if (stopping.IsCancellationRequested)
    {
        yield return new TrainedStep(last, Loss: null, Ended: "the host stops");
    }
}

// The next step; false when there is none, or when the host stops: then the cluster begins no step any more.
static async Task<bool> NextAsync(IAsyncEnumerator<StepOutcome> steps, CancellationToken stopping)
{
    try
    {
        return await steps.MoveNextAsync();
    }
    catch (OperationCanceledException) when (stopping.IsCancellationRequested)
    {
        return false;
    }
}

/// <summary>What a caller hears of a step, and in the end why there are no more of them.</summary>
internal sealed record TrainedStep(long Step, double? Loss, string? Ended = null);

/// <summary>Sequences that count upwards, each from a place of its own: something to learn that needs no file.</summary>
internal static class Counting
{
    public static IReadOnlyList<MicroBatch> Batch(long step, int microBatches, int length) =>
        [.. Enumerable.Range(0, microBatches).Select(index => Sequence((int)(((step * microBatches) + index) * 37 % 256), length))];

    private static MicroBatch Sequence(int start, int length) => new(
        [.. Enumerable.Range(start, length).Select(value => value % 256)], [.. Enumerable.Range(start + 1, length).Select(value => value % 256)], length);
}
