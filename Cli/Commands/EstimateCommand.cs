using System.CommandLine;
using System.Text.Json;
using MoEActors.Cli.Configuration;

namespace MoEActors.Cli.Commands;

/// <summary>`moe estimate`: the memory that each worker of a run will need, before anything is allocated.</summary>
internal static class EstimateCommand
{
    public static Command Create()
    {
        Option<string> config = TextOption.Required("--config", "FILE", "The run: a JSON file as for moe train (see docs/configuration.md).");
        Option<int?> workers = NumberOption.OptionalCount("--workers", "Number of workers; the silos of the file unless given.");
        Option<string?> recompute = TextOption.Optional(
            "--recompute", "LAYERS", "Layers to compute again in backward: all, none, or numbers such as 0,2-5; what the file says unless given.");
        Option<bool> json = SharedOptions.Json();
        Command command = new("estimate", "Estimate the memory of each worker, by phase, before anything is allocated.") { config, workers, recompute, json };
        return command.Runs((parsed, output, _) =>
        {
            var file = TrainFile.Read(parsed.GetRequiredValue(config), forEstimate: true);
            int batch = file.Batch ?? TrainCommand.DefaultBatch;
            var run = new RunConfiguration
            {
                Model = file.Model,
                Optimizer = file.Optimizer,
                MicroBatches = ConfiguredRun.MicroBatches(file, batch),
                Recompute = parsed.GetValue(recompute) ?? file.Recompute ?? LayerSelection.None,
            };
            run.RequireForEstimate();
            var report = MemoryReport.Of(run, parsed.GetValue(workers) ?? file.Silos ?? SharedOptions.DefaultSilos, batch);
            if (parsed.GetValue(json))
            {
                output.Out.WriteLine(JsonSerializer.Serialize(report, SnakeCase.Indented));
            }
            else
            {
                MemoryTable.Print(report, output.Out);
            }

            return Task.FromResult(ExitCode.Done);
        });
    }
}
