using System.CommandLine;
using System.Text.Json;
using MoEActors.Cli.Comparison;
using MoEActors.Cli.Configuration;
using MoEActors.Cli.Runs;
using MoEActors.Cli.Training;
using MoEActors.Client.Tokens;
using MoEActors.Silo.Embedded;

namespace MoEActors.Cli.Commands;

/// <summary>`moe compare`: several configurations at equal compute, on the same text with the same seeds.</summary>
internal static class CompareCommand
{
    /// <summary>Fewer pairs tell nothing of chance; more than these nobody waits for.</summary>
    private const int MostSeeds = 30;

    private const int DefaultSteps = 200;

    public static Command Create()
    {
        Argument<string[]> files = new("FILE") { Description = "Configurations as for moe train --config; the others are compared with the first.", Arity = new ArgumentArity(2, 100) };
        Option<string[]> text = SharedOptions.Text("that of the first file");
        Option<int> seeds = NumberOption.Count("--seeds", "Runs of each, with seeds from 1 on.", 3, most: MostSeeds);
        Option<int?> steps = NumberOption.OptionalCount(
            "--steps", $"Steps of the first, the others taking as many as make the same compute; without it, what its file says, or {DefaultSteps}.");
        Option<string> name = TextOption.WithDefault("--name", "NAME", "Name of the comparison; its runs lie in runs/NAME.", "compare");
        Option<string> runs = SharedOptions.Runs();
        Option<int> silos = NumberOption.Count("--silos", "Number of embedded silos; results of reproducible runs do not depend on it.", 1, most: EmbeddedClusterOptions.MostSilos);
        Option<string> device = SharedOptions.Device();
        Option<string?> json = SharedOptions.JsonOrFile();
        Command command = new("compare", "Train configurations at equal compute, on the same text with the same seeds, and say by how much they differ.")
        {
            files, text, seeds, steps, name, runs, silos, device, json,
        };
        return command.Runs(async (parsed, output, cancellation) =>
        {
            OutputFile.RequireWritable("--json", parsed.GetValue(json));
            OutputPath.RequireRunName("--name", parsed.GetRequiredValue(name));
            bool isPrinted = parsed.GetResult(json) is { Implicit: false } && parsed.GetValue(json) is null;

            // Where the result is printed as JSON, nothing else is.
            CommandOutput remarks = isPrinted ? output with { Out = output.Error } : output;
            (string Name, TrainFile File)[] named = Read(parsed.GetRequiredValue(files));
            TrainFile first = named[0].File;
            TextReading reading = new TextReading(first.Packed == true, first.Weights, first.SkipBroken == true).With(first.Tokenizer);
            TextTokenizer tokenizer = reading.Open();
            TextSource source = TextSource.Read(parsed.GetValue(text) is { Length: > 0 } given ? given : first.Text ?? [], reading, remarks);
            ComparedModel[] models = ComparedModel.AtEqualCompute(
                [.. named.Select(one => (one.Name, ConfiguredRun.Of(one.File, tokenizer), one.File.Batch ?? TrainCommand.DefaultBatch))],
                parsed.GetValue(steps) ?? first.Steps ?? DefaultSteps);
            string folder = Path.Combine(parsed.GetRequiredValue(runs), parsed.GetRequiredValue(name));
            var plan = ComparisonPlan.Of(models, parsed.GetValue(seeds), source.Hash, SharedOptions.DeviceOf(parsed.GetRequiredValue(device)), parsed.GetValue(silos));
            var comparison = new ComparisonRuns(folder, plan, source, parsed.GetValue(silos), TrainCommand.Prompt);
            comparison.Begin();
            var report = ComparisonReport.Of(plan, await comparison.TrainAsync(remarks, cancellation));
            string picture = Path.Combine(folder, "compare.svg");
            await OutputFile.WriteAsync(picture, ComparisonChart.Svg(report), output, cancellation);
            if (isPrinted)
            {
                output.Out.WriteLine(JsonSerializer.Serialize(report, SnakeCase.Indented));
                return ExitCode.Done;
            }

            output.Out.WriteLine();
            report.Print(output.Out);
            output.Out.WriteLine($"Curves: {picture}");
            if (parsed.GetValue(json) is { } file)
            {
                await OutputFile.WriteAsync(file, JsonSerializer.Serialize(report, SnakeCase.Indented), output, cancellation);
            }

            return ExitCode.Done;
        });
    }

    /// <summary>Reads the files, which must have names of their own and the same text, or none.</summary>
    private static (string Name, TrainFile File)[] Read(string[] files)
    {
        (string Name, TrainFile File)[] named = [.. files.Select(file => (Path.GetFileNameWithoutExtension(file), TrainFile.Read(file)))];
        TrainFile first = named[0].File;
        foreach ((int index, (string name, TrainFile file)) in named.Index())
        {
            UsageException.ThrowUnless(OutputPath.IsRunName(name), $"{files[index]}: the name of the file becomes that of runs: letters, digits, '-', '_' and '.' are allowed.");
            UsageException.ThrowUnless(named.Take(index).All(other => other.Name != name), $"Two files are called {name}; what they come to could not be told apart.");
            UsageException.ThrowUnless(
                IsLike(file.Text, first.Text) && IsLike(file.Weights, first.Weights) && file.Packed == first.Packed && file.SkipBroken == first.SkipBroken && file.Tokenizer == first.Tokenizer,
                $"{files[index]} and {files[0]} read text differently ($.text, $.weights, $.packed, $.skipBroken, $.tokenizer); models compare on the same text.");
        }

        return named;
    }

    private static bool IsLike<T>(IReadOnlyList<T>? one, IReadOnlyList<T>? other) => (one ?? []).SequenceEqual(other ?? []);
}
