// Usage: dotnet run --project docs/examples/AspireHost                                                Redis in a container
//   ConnectionStrings__redis=localhost:6379 dotnet run --project docs/examples/AspireHost             a Redis that is there already: no container engine is needed
// Then, at the address of a silo that the log or the dashboard names:
//   curl -X POST 'http://localhost:PORT/models/mine/steps?count=20'
using Aspire.Hosting.Orleans;

IDistributedApplicationBuilder builder = DistributedApplication.CreateBuilder(args);

// What it has answered must be on its disk, and it must throw nothing away: a run is no cache.
const string Durable = "--appendonly yes --appendfsync always --maxmemory-policy noeviction";
IResourceBuilder<IResourceWithConnectionString> redis = builder.Configuration["ConnectionStrings:redis"] is null
    ? builder.AddRedis("redis").WithDataVolume().WithArgs(context => context.Args[^1] = $"{context.Args[^1]} {Durable}")
    : builder.AddConnectionString("redis");

// Where silos meet, and where runs are kept: MoEActors takes the grain storage named "moe". Under the same name of the service the next start finds them.
OrleansService orleans = builder.AddOrleans("orleans").WithClusterId("moe").WithServiceId("moe").WithClustering(redis).WithGrainStorage("moe", redis);
IResourceBuilder<ParameterResource> secret = builder.AddParameter("secret", new GenerateParameterDefault { MinLength = 32 }, secret: true);

builder.AddProject<Projects.AspireSilo>("silo")
    .WithReference(orleans)
    .WithReplicas(3)

    // A connection string may be anything's: it is Redis.
    .WithEnvironment("Orleans__Clustering__ProviderType", "Redis")
    .WithEnvironment("Orleans__GrainStorage__moe__ProviderType", "Redis")

    // Nothing proves to anybody who it is on these connections: they stay on this machine.
    .WithEnvironment("Orleans__Endpoints__AdvertisedIPAddress", "127.0.0.1")
    .WithEnvironment("DataPlane__Secret", secret)
    .WithEnvironment("MoE__CheckpointRoot", Path.Combine(builder.AppHostDirectory, "runs"))
    .WithHttpEndpoint()
    .WithHttpHealthCheck("/health");

builder.Build().Run();
