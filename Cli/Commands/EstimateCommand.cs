using System.CommandLine;
using System.Text.Json;
using MoEActors.Cli.Configuration;
using MoEActors.Cli.Runs;
using MoEActors.Silo.Hosting;

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
        Option<string?> device = TextOption.Optional("--device", "DEVICE", "What workers compute on: cpu, cuda, cuda/tf32 or cuda/bf16, here or not; what the file says unless given.");
        Option<int?> memory = NumberOption.OptionalCount("--memory", "GiB of each worker's device, of which it may take nine tenths; what this machine has unless given.");
        Option<bool> json = SharedOptions.Json();
        Command command = new("estimate", "Estimate the memory of each worker, by phase, before anything is allocated.") { config, workers, recompute, device, memory, json };
        return command.Runs((parsed, output, _) =>
        {
            var file = TrainFile.Read(parsed.GetRequiredValue(config), forEstimate: true);
            int batch = file.Batch ?? TrainCommand.DefaultBatch;
            var run = new RunConfiguration
            {
                Model = file.HasVocabulary ? file.Model : file.Model with { Vocabulary = TextReading.Plain.With(file.Tokenizer).Open().Vocabulary },
                Optimizer = file.Optimizer,
                MicroBatches = ConfiguredRun.MicroBatches(file, batch),
                Recompute = parsed.GetValue(recompute) ?? file.Recompute ?? LayerSelection.None,
            };
            run.RequireForEstimate();
            var report = MemoryReport.Of(
                run, parsed.GetValue(workers) ?? file.Silos ?? SharedOptions.DefaultSilos, batch, SharedOptions.Choice(parsed.GetValue(device) ?? file.Device ?? DeviceChoice.Cpu),
                parsed.GetValue(memory) is { } gibibytes ? (long)gibibytes << 30 : null);
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
