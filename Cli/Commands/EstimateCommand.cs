using System.CommandLine;
using System.Text.Json;
using MoEActors.Cli.Configuration;
using MoEActors.Cli.Invocation;

namespace MoEActors.Cli.Commands;

/// <summary>`moe estimate`: the memory that each worker of a run will need, before anything is allocated.</summary>
internal sealed class EstimateCommand
{
    private static readonly TrainOptions Training = new();

    private readonly Option<string> _config = new("--config")
    {
        Description = "The run: a JSON file as for moe train (see docs/configuration.md).",
        HelpName = "FILE",
        Required = true,
    };

    private readonly Option<int?> _workers = NumberOption.OptionalCount("--workers", "Number of workers; the silos of the file unless given.");

    private readonly Option<string?> _recompute = new("--recompute")
    {
        Description = "Layers to compute again in backward: all, none, or numbers such as 0,2-5; what the file says unless given.",
        HelpName = "LAYERS",
    };

    private readonly Option<bool> _json = SharedOptions.Json();

    public static Command Create() => new EstimateCommand().Build();

    private Command Build()
    {
        Command command = new("estimate", "Estimate the memory of each worker, by phase, before anything is allocated.") { _config, _workers, _recompute, _json };
        command.Runs(
            parsed => new EstimateOptions
            {
                Config = parsed.GetRequiredValue(_config),
                Workers = parsed.GetValue(_workers),
                Recompute = parsed.GetValue(_recompute),
                Json = parsed.GetValue(_json),
            },
            Run);
        return command;
    }

    private static Task<int> Run(EstimateOptions options, CommandOutput output, CancellationToken cancellation)
    {
        TrainFile file = TrainFile.Read(options.Config);
        int batch = file.Batch ?? Training.Batch;
        var run = new RunConfiguration
        {
            Model = file.Model,
            Optimizer = file.Optimizer,
            MicroBatches = Math.Min(batch, file.MicroBatches ?? DemoModel.MicroBatches),
            Recompute = options.Recompute ?? file.Recompute ?? LayerSelection.None,
        };
        try
        {
            run.Validate();
        }
        catch (ModelConfigurationException e)
        {
            throw new UsageException(string.Join(' ', e.Errors));
        }

        MemoryReport report = MemoryReport.Of(run, options.Workers ?? file.Silos ?? Training.Silos, batch);
        if (options.Json)
        {
            output.Out.WriteLine(JsonSerializer.Serialize(report, SnakeCase.Indented));
        }
        else
        {
            MemoryTable.Print(report, output.Out);
        }

        return Task.FromResult(ExitCode.Done);
    }
}

/// <summary>What `moe estimate` is asked to do.</summary>
internal sealed record EstimateOptions : ICommandOptions
{
    /// <summary>The configuration, as for `moe train`.</summary>
    public required string Config { get; init; }

    /// <summary>Number of workers; null for the silos of the file.</summary>
    public int? Workers { get; init; }

    /// <summary>Layers that are computed again in backward; null for what the file says.</summary>
    public string? Recompute { get; init; }

    /// <summary>Whether to print JSON.</summary>
    public bool Json { get; init; }
}
