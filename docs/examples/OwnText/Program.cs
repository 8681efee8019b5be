using MoEActors.Examples;
using MoEActors.Modules.Models;
using MoEActors.Modules.Optimizers;

// Usage: dotnet run -c Release --project docs/examples/OwnText -- PATH...   (files and folders of UTF-8 text)
if (args.Length == 0)
{
    Console.Error.WriteLine("Name files or folders of UTF-8 text.");
    return 2;
}

var run = new RunConfiguration
{
    Model = new ModelConfiguration { Dim = 128, Hidden = 192, Experts = [8, 8, 8, 8] },
    Optimizer = new OptimizerOptions { LearningRate = 3e-3f, TotalSteps = 300 },
};
await OwnText.RunAsync(args, run, sequences: 32, folder: Path.Combine("runs", "own-text"), Console.Out);
return 0;
