using MoEActors.Client;
using MoEActors.Grains.Interfaces.Training;
using MoEActors.Modules.Models;
using MoEActors.Modules.Optimizers;
using MoEActors.Native.Communication.Tcp;
using MoEActors.Silo.Hosting;
using Orleans.Persistence;

// A silo that the AppHost beside it starts. Where silos meet and where runs are kept is in the configuration that it gives, which Orleans reads by itself: the Redis of the name that it tells.
WebApplicationBuilder builder = WebApplication.CreateBuilder(args);
builder.AddKeyedRedisClient("redis");
builder.UseOrleans();
builder.UseOrleans(silo => silo.AddMoE());

// What no run needs any more is deleted, not emptied.
builder.Services.Configure<RedisStorageOptions>("moe", storage => storage.DeleteStateOnClear = true);

// Rows of tokens travel between the silos of one machine, which know one secret.
builder.Services.AddSingleton(_ => new TcpCommunicatorProvider(new TcpOptions { Secret = builder.Configuration["DataPlane:Secret"] }));
builder.Services.AddMoEClient();
builder.Services.AddHealthChecks().AddMoESilo();

WebApplication app = builder.Build();
app.MapHealthChecks("/health");
app.MapGet("/models/{name}", async (string name, MoECluster cluster, CancellationToken cancellation) =>
{
    TrainingStatus status = await (await cluster.OpenModelAsync(name, cancellation)).GetStatusAsync(cancellation);
    return new { status.Model, status.Step, status.SiloNames };
});
app.MapPost("/models/{name}/steps", async (string name, int count, MoECluster cluster, CancellationToken cancellation) =>
{
    var run = new RunConfiguration
    {
        Model = new ModelConfiguration { Dim = 32, Heads = 2, KeyValueHeads = 1, Hidden = 64, Experts = [8, 8], MaximumSequence = 32 },
        Optimizer = new OptimizerOptions { LearningRate = 3e-3f, TotalSteps = 100_000 },
    };
    MoEModel model = await cluster.CreateModelAsync(name, run, cancellationToken: cancellation);
    double loss = 0;
    await foreach (StepOutcome step in model.TrainAsync(Enumerable.Repeat(Counting(run), count), cancellation))
    {
        loss = step.CrossEntropy;
    }

    return new { model.Step, Loss = loss };
});
app.Run();

// Sequences that count upwards: something to learn that needs no file.
static IReadOnlyList<MicroBatch> Counting(RunConfiguration run)
{
    int length = run.Model.MaximumSequence;
    return [.. Enumerable.Range(0, run.MicroBatches).Select(index => new MicroBatch(
        [.. Enumerable.Range(index * length, length).Select(value => value % 256)], [.. Enumerable.Range((index * length) + 1, length).Select(value => value % 256)], length))];
}
