using MoEActors.Examples;

// Usage: dotnet run -c Release --project docs/examples/OwnKinds
await OwnKinds.RunAsync(silos: 4, steps: 100, Console.Out);
