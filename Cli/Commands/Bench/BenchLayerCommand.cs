using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using MoEActors.Benchmarks;
using MoEActors.Cli.Invocation;

namespace MoEActors.Cli.Commands.Bench;

/// <summary>`moe bench layer`: forward and backward of one mixture-of-experts layer, without grains.</summary>
internal sealed class BenchLayerCommand
{
    private static readonly BenchLayerOptions Defaults = new();

    private readonly Option<int> _tokens = NumberOption.Count("--tokens", "Tokens per step, on all workers together.", Defaults.Tokens);

    private readonly Option<int> _modelDimension = NumberOption.Count("--model-dim", "Width of the model.", Defaults.ModelDimension);

    private readonly Option<int> _hidden = NumberOption.Count("--hidden", "Width of an expert's hidden layer.", Defaults.Hidden);

    private readonly Option<int> _experts = NumberOption.Count("--experts", "Number of experts.", Defaults.Experts);

    private readonly Option<int> _topK = NumberOption.Count("--top-k", "Experts that a token is sent to.", Defaults.TopK);

    private readonly Option<int> _workers =
        NumberOption.Count("--workers", "Workers, one thread and one micro-batch each.", Defaults.Workers);

    private readonly Option<int> _steps = NumberOption.Count("--steps", "Measured steps; the median counts.", Defaults.Steps);

    private readonly Option<bool> _json = SharedOptions.Json();

    public static Command Create() => new BenchLayerCommand().Build();

    private Command Build()
    {
        Command command = new("layer", "Time forward and backward of one layer, beside the speed of our matrix product.")
        {
            _tokens, _modelDimension, _hidden, _experts, _topK, _workers, _steps, _json,
        };
        command.Runs(Read, Run);
        return command;
    }

    private BenchLayerOptions Read(ParseResult parsed) => new()
    {
        Tokens = parsed.GetValue(_tokens),
        ModelDimension = parsed.GetValue(_modelDimension),
        Hidden = parsed.GetValue(_hidden),
        Experts = parsed.GetValue(_experts),
        TopK = parsed.GetValue(_topK),
        Workers = parsed.GetValue(_workers),
        Steps = parsed.GetValue(_steps),
        Json = parsed.GetValue(_json),
    };

    private static Task<int> Run(BenchLayerOptions options, CommandOutput output, CancellationToken cancellation)
    {
        var shape = new LayerShape(options.Tokens, options.ModelDimension, options.Hidden, options.Experts, options.TopK);
        LayerReport report = LayerBenchmark.Run(shape, options.Workers, options.Steps, cancellation);
        output.Out.WriteLine(options.Json
            ? JsonSerializer.Serialize(report, SnakeCase.OneLine)
            : string.Create(
                CultureInfo.InvariantCulture,
                $"{report.Seconds * 1e3:F1} ms a step, {report.Gflops:F0} GFLOP/s: {report.Share:P0} of our product's {report.SgemmGflops:F0}, {report.AllocatedBytesPerStep:F0} managed bytes a step"));
        return Task.FromResult(ExitCode.Done);
    }
}

/// <summary>What `moe bench layer` is asked to do.</summary>
internal sealed record BenchLayerOptions : ICommandOptions
{
    /// <summary>Tokens per step, on all workers together.</summary>
    public int Tokens { get; init; } = 4096;

    /// <summary>Width of the model.</summary>
    public int ModelDimension { get; init; } = 512;

    /// <summary>Width of an expert's hidden layer.</summary>
    public int Hidden { get; init; } = 1024;

    /// <summary>Number of experts.</summary>
    public int Experts { get; init; } = 16;

    /// <summary>Experts that a token is sent to.</summary>
    public int TopK { get; init; } = 2;

    /// <summary>Workers, one thread and one micro-batch each.</summary>
    public int Workers { get; init; } = 2;

    /// <summary>Measured steps; the median counts.</summary>
    public int Steps { get; init; } = 10;

    /// <summary>Whether to print one JSON object instead of a table.</summary>
    public bool Json { get; init; }

    public void Validate()
    {
        if (TopK > Experts)
        {
            throw new UsageException($"--top-k {TopK} is more than --experts {Experts}.");
        }

        if (Tokens % Workers != 0)
        {
            throw new UsageException($"--tokens {Tokens} is no multiple of --workers {Workers}.");
        }
    }
}
