using System.CommandLine;
using MoEActors.Cli.Invocation;
using MoEActors.Placement.Simulation;

namespace MoEActors.Cli.Commands.Simulate;

/// <summary>`moe simulate trace`: writes a generated load.</summary>
internal sealed class SimulateTraceCommand
{
    private static readonly TraceOptions Defaults = new();

    private readonly Option<TraceKind> _kind = new("--kind")
    {
        Description = "drift, swap, growth or uniform.",
        HelpName = "KIND",
        DefaultValueFactory = _ => Defaults.Kind,
        CustomParser = result =>
        {
            string text = result.Tokens[0].Value;
            if (Enum.TryParse(text, ignoreCase: true, out TraceKind kind) && Enum.IsDefined(kind) && !char.IsAsciiDigit(text[0]))
            {
                return kind;
            }

            result.AddError($"--kind must be drift, swap, growth or uniform; '{text}' is not.");
            return default;
        },
    };

    private readonly Option<int> _layers = NumberOption.Count("--layers", "Mixture-of-experts layers.", Defaults.Layers);

    private readonly Option<int> _experts = NumberOption.Count("--experts", "Experts of each layer.", Defaults.Experts);

    private readonly Option<int> _steps = NumberOption.Count("--steps", "Steps of the run.", Defaults.Steps);

    private readonly Option<int> _interval = NumberOption.Count("--interval", "Sample every so many steps.", Defaults.Interval);

    private readonly Option<int> _tokens =
        NumberOption.Count("--tokens", "Tokens routed in a layer and step, all choices counted.", Defaults.Tokens);

    private readonly Option<long> _seed = NumberOption.Seed((long)Defaults.Seed);

    private readonly Option<string> _out = new("--out") { Description = "File to write.", HelpName = "FILE", Required = true };

    public static Command Create() => new SimulateTraceCommand().Build();

    private Command Build()
    {
        Command command = new("trace", "Write a generated load, for moe simulate placement.")
        {
            _kind, _layers, _experts, _steps, _interval, _tokens, _seed, _out,
        };
        command.Runs(Read, Run);
        return command;
    }

    private SimulateTraceOptions Read(ParseResult parsed) => new()
    {
        Trace = new TraceOptions
        {
            Kind = parsed.GetValue(_kind),
            Layers = parsed.GetValue(_layers),
            Experts = parsed.GetValue(_experts),
            Steps = parsed.GetValue(_steps),
            Interval = parsed.GetValue(_interval),
            Tokens = parsed.GetValue(_tokens),
            Seed = (ulong)parsed.GetValue(_seed),
        },
        Out = parsed.GetRequiredValue(_out),
    };

    private static Task<int> Run(SimulateTraceOptions options, CommandOutput output, CancellationToken cancellation)
    {
        LoadTrace trace = TraceGenerator.Generate(options.Trace);
        using StreamWriter writer = new(options.Out);
        TraceWriter.Write(trace, writer);
        output.Out.WriteLine($"{trace.Rows.Length} sampled steps of {trace.Experts.Length} layers written to {options.Out}.");
        return Task.FromResult(ExitCode.Done);
    }
}

/// <summary>What `moe simulate trace` is asked to do.</summary>
internal sealed record SimulateTraceOptions : ICommandOptions
{
    /// <summary>The trace.</summary>
    public TraceOptions Trace { get; init; } = new();

    /// <summary>Where to write it.</summary>
    public string Out { get; init; } = "";

    public void Validate() => OutputPath.RequireWritableFile("--out", Out);
}
