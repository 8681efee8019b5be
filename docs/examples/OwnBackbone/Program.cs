using MoEActors.Examples;

// Usage: dotnet run -c Release --project docs/examples/OwnBackbone
await OwnBackbone.RunAsync(silos: 4, steps: 400, Console.Out);
