using System.CommandLine;
using MoEActors.Placement.Simulation;

namespace MoEActors.Cli.Commands.Simulate;

/// <summary>`moe simulate trace`: writes a generated load.</summary>
internal static class SimulateTraceCommand
{
    private static readonly string Kinds = Listed([.. Enum.GetNames<TraceKind>().Select(name => name.ToLowerInvariant())]);

    public static Command Create()
    {
        TraceOptions defaults = new();
        Option<TraceKind> kind = new("--kind")
        {
            Description = $"{Kinds}.",
            HelpName = "KIND",
            DefaultValueFactory = _ => defaults.Kind,
            CustomParser = result =>
            {
                string text = result.Tokens[0].Value;
                if (Enum.GetNames<TraceKind>().FirstOrDefault(name => name.Equals(text, StringComparison.OrdinalIgnoreCase)) is { } name)
                {
                    return Enum.Parse<TraceKind>(name);
                }

                result.AddError($"--kind must be {Kinds}; '{text}' is not.");
                return default;
            },
        };
        Option<int> layers = NumberOption.Count("--layers", "Mixture-of-experts layers.", defaults.Layers);
        Option<int> experts = NumberOption.Count("--experts", "Experts of each layer.", defaults.Experts);
        Option<int> steps = NumberOption.Count("--steps", "Steps of the run.", defaults.Steps);
        Option<int> interval = NumberOption.Count("--interval", "Sample every so many steps.", defaults.Interval);
        Option<int> tokens = NumberOption.Count("--tokens", "Tokens routed in a layer and step, all choices counted.", defaults.Tokens);
        Option<long> seed = NumberOption.Seed((long)defaults.Seed);
        Option<int?> period = NumberOption.OptionalCount("--period", "Steps from one change to the next, of gliding, waves, exchanges and rotation; the kind's own unless given.");
        Option<float?> noise = NumberOption.OptionalNotNegative("--noise", "Noise of each expert and sample, 0.4 for 40 %, of the kinds from walk on; the kind's own unless given.");
        Option<string> file = SharedOptions.Out();
        Command command = new("trace", "Write a generated load, for moe simulate placement.") { kind, layers, experts, steps, interval, tokens, seed, period, noise, file };
        return command.Runs(async (parsed, output, cancellation) =>
        {
            OutputFile.RequireWritable("--out", parsed.GetValue(file));
            TraceKind chosen = parsed.GetValue(kind);
            UsageException.ThrowUnless(
                parsed.GetValue(period) is null || chosen is TraceKind.Gliding or TraceKind.Waves or TraceKind.Exchanges or TraceKind.Rotation,
                $"--period is for gliding, waves, exchanges and rotation; {chosen.ToString().ToLowerInvariant()} has none.");
            UsageException.ThrowUnless(
                parsed.GetValue(noise) is null || chosen > TraceKind.Uniform,
                $"--noise is for the kinds from walk on; {chosen.ToString().ToLowerInvariant()} has its own.");
            TraceOptions options = new()
            {
                Kind = chosen,
                Layers = parsed.GetValue(layers),
                Experts = parsed.GetValue(experts),
                Steps = parsed.GetValue(steps),
                Interval = parsed.GetValue(interval),
                Tokens = parsed.GetValue(tokens),
                Seed = (ulong)parsed.GetValue(seed),
                Period = parsed.GetValue(period),
                Noise = parsed.GetValue(noise),
            };
            await TraceWriter.WriteAsync(TraceGenerator.Generate(options), parsed.GetRequiredValue(file), output, cancellation);
            return ExitCode.Done;
        });
    }

    private static string Listed(string[] names) => $"{string.Join(", ", names[..^1])} or {names[^1]}";
}
