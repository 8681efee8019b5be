using MoEActors.Client;
using MoEActors.Examples;
using MoEActors.Silo.Hosting;

// Usage: dotnet run -c Release --project docs/examples/TrainingWorker -- --Training:Text:0=my-texts
// What can be set is in appsettings.json; environment (Training__Steps=500) and command line win over it.
HostApplicationBuilder builder = Host.CreateApplicationBuilder(args);
builder.UseOrleans(silo => silo
    .UseLocalhostClustering(builder.Configuration.GetValue<int>("Ports:Silo"), builder.Configuration.GetValue<int>("Ports:Gateway"))
    .AddMoE());
builder.Services.AddMoEClient();

// Behind Orleans: hosted services stop in reverse order, and the trainer saves while the silo is still there.
builder.Services.AddOptions<TrainingOptions>().BindConfiguration(TrainingOptions.Section);
builder.Services.AddHostedService<Trainer>();
await builder.Build().RunAsync();
