using System.CommandLine;
using MoEActors.Cli.Silos;

namespace MoEActors.Cli.Commands;

/// <summary>`moe silo`: one silo of a cluster of several processes, until it is asked to end.</summary>
internal static class SiloCommand
{
    public static Command Create()
    {
        Option<string?> config = TextOption.Optional("--config", "FILE", "Read a JSON file (see docs/deploy.md); the environment and options win over it.");
        Option<bool> endWithInput = ParentWatch.Option();
        Dictionary<string, Option<string?>> values =
            SiloValue.All.ToDictionary(value => value.Name, value => TextOption.Optional(value.Option, value.What, value.Description));
        Command command = new(
            "silo", "Run one silo of a cluster of several processes. When it is asked to end, it finishes what it does and leaves; the program ends with 0 then, and with 130 on Ctrl-C.")
        {
            config, endWithInput,
        };
        foreach (Option<string?> value in values.Values)
        {
            command.Add(value);
        }

        return command.Runs(async (parsed, _, cancellation) =>
        {
            Dictionary<string, string> given = values.Select(value => (value.Key, Text: parsed.GetValue(value.Value)))
                .Where(value => value.Text is not null)
                .ToDictionary(value => value.Key, value => value.Text!);
            SiloSettings settings = SiloSettings.Read(parsed.GetValue(config), Environment.GetEnvironmentVariables(), given);
            using ParentWatch? parent = parsed.GetValue(endWithInput) ? ParentWatch.Begin() : null;
            using SecondSignal second = SecondSignal.EndsAtOnce();
            bool hasLeft = await SiloProcess.RunAsync(settings, parent?.Gone ?? default, cancellation);
            return !hasLeft ? ExitCode.Failed : cancellation.IsCancellationRequested ? second.CodeOfEnd : ExitCode.Done;
        });
    }
}
