using System.CommandLine;
using MoEActors.Cli.Plots;
using MoEActors.Cli.Runs;

namespace MoEActors.Cli.Commands;

/// <summary>`moe plot`: a picture of one or several runs, from the histories that they write.</summary>
internal static class PlotCommand
{
    private const string OutName = "--out";

    public static Command Create()
    {
        Argument<string[]> names = new("RUN") { Description = "Names of runs: their folders below runs/.", Arity = ArgumentArity.OneOrMore };
        Option<string> runs = SharedOptions.Runs();
        Option<string> file = TextOption.Required(OutName, "FILE", "Picture to write: FILE.svg, or FILE.html for a page with a table beside it.");
        return new Command("plot", "Draw loss, throughput, balance and load of one or several runs.") { names, runs, file }.Runs(async (parsed, output, cancellation) =>
        {
            string target = parsed.GetRequiredValue(file);
            string kind = Path.GetExtension(target).ToLowerInvariant();
            UsageException.ThrowUnless(kind is ".svg" or ".html", $"{OutName} {target} must end in .svg or .html.");
            string[] asked = [.. parsed.GetRequiredValue(names).Distinct()];
            OutputFile.RequireWritable(OutName, target);
            RunCurves[] curves = [.. asked.Select(name => Read(parsed.GetRequiredValue(runs), name))];
            await OutputFile.WriteAsync(target, kind == ".svg" ? RunCharts.Svg(curves) : PlotPage.Html(curves), output, cancellation);
            output.Out.WriteLine($"{target}: {string.Join(", ", curves.Select(run => $"{VisibleText.OfName(run.Name)}, {Wording.Count(run.Steps[^1].Last, "step")}"))}");
            return ExitCode.Done;
        });
    }

    private static RunCurves Read(string runs, string name)
    {
        var folder = RunFolder.Existing(runs, name, "RUN");
        RunCurves curves = RunCurves.Of(folder.Name, folder.ReadHistory());
        return curves.Steps.Count > 0 ? curves : throw new InvalidDataException($"The run '{name}' has no step yet that could be drawn: see moe history {name}.");
    }
}
