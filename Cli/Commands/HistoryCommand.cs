using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Serialization;
using MoEActors.Cli.Progress;
using MoEActors.Cli.Runs;

namespace MoEActors.Cli.Commands;

/// <summary>`moe history`: what happened in a run, on one page.</summary>
internal static class HistoryCommand
{
    /// <summary>A loss that is no number is one all the same.</summary>
    private static readonly JsonSerializerOptions Json = new(SnakeCase.OneLine) { NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals };

    public static Command Create()
    {
        Argument<string> name = SharedOptions.RunName();
        Option<string> runs = SharedOptions.Runs();
        Option<int?> last = NumberOption.OptionalCount("--last", "Only this many last steps, and all that happened meanwhile.");
        Option<bool> all = new("--all") { Description = "Tell of every evaluation, decision, move and checkpoint, not only of the last ones." };
        Option<bool> json = SharedOptions.Json();
        return new Command("history", "Tell what happened in a run: loss, evaluations, decisions, moves, checkpoints.") { name, runs, last, all, json }.Runs((parsed, output, _) =>
        {
            var folder = RunFolder.Existing(parsed.GetRequiredValue(runs), parsed.GetRequiredValue(name));
            var summary = RunSummary.Of(folder.Name, folder.ReadHistory(), parsed.GetValue(last));
            if (parsed.GetValue(json))
            {
                output.Out.WriteLine(JsonSerializer.Serialize(summary, Json));
            }
            else
            {
                HistoryPage.Write(summary, parsed.GetValue(all) || parsed.GetValue(last) is not null, output.Out, output.Columns);
            }

            return Task.FromResult(ExitCode.Done);
        });
    }
}
