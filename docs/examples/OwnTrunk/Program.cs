using MoEActors.Examples;

// Usage: dotnet run -c Release --project docs/examples/OwnTrunk
await OwnTrunk.RunAsync(silos: 4, steps: 400, Console.Out);
