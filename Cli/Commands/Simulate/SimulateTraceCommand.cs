using System.CommandLine;
using MoEActors.Placement.Simulation;

namespace MoEActors.Cli.Commands.Simulate;

/// <summary>`moe simulate trace`: writes a generated load.</summary>
internal static class SimulateTraceCommand
{
    public static Command Create()
    {
        TraceOptions defaults = new();
        Option<TraceKind> kind = new("--kind")
        {
            Description = "drift, swap, growth or uniform.",
            HelpName = "KIND",
            DefaultValueFactory = _ => defaults.Kind,
            CustomParser = result =>
            {
                string text = result.Tokens[0].Value;
                if (Enum.GetNames<TraceKind>().FirstOrDefault(name => name.Equals(text, StringComparison.OrdinalIgnoreCase)) is { } name)
                {
                    return Enum.Parse<TraceKind>(name);
                }

                result.AddError($"--kind must be drift, swap, growth or uniform; '{text}' is not.");
                return default;
            },
        };
        Option<int> layers = NumberOption.Count("--layers", "Mixture-of-experts layers.", defaults.Layers);
        Option<int> experts = NumberOption.Count("--experts", "Experts of each layer.", defaults.Experts);
        Option<int> steps = NumberOption.Count("--steps", "Steps of the run.", defaults.Steps);
        Option<int> interval = NumberOption.Count("--interval", "Sample every so many steps.", defaults.Interval);
        Option<int> tokens = NumberOption.Count("--tokens", "Tokens routed in a layer and step, all choices counted.", defaults.Tokens);
        Option<long> seed = NumberOption.Seed((long)defaults.Seed);
        Option<string> file = SharedOptions.Out();
        Command command = new("trace", "Write a generated load, for moe simulate placement.") { kind, layers, experts, steps, interval, tokens, seed, file };
        return command.Runs(async (parsed, output, cancellation) =>
        {
            OutputFile.RequireWritable("--out", parsed.GetValue(file));
            TraceOptions options = new()
            {
                Kind = parsed.GetValue(kind),
                Layers = parsed.GetValue(layers),
                Experts = parsed.GetValue(experts),
                Steps = parsed.GetValue(steps),
                Interval = parsed.GetValue(interval),
                Tokens = parsed.GetValue(tokens),
                Seed = (ulong)parsed.GetValue(seed),
            };
            await TraceWriter.WriteAsync(TraceGenerator.Generate(options), parsed.GetRequiredValue(file), output, cancellation);
            return ExitCode.Done;
        });
    }
}
