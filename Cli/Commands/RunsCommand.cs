using System.CommandLine;
using System.Text.Json;
using MoEActors.Cli.Clusters;
using MoEActors.Cli.Runs;
using MoEActors.Client;
using MoEActors.Client.Connections;
using MoEActors.Modules.Checkpoints;

namespace MoEActors.Cli.Commands;

/// <summary>`moe runs`: which runs there are, in a folder or in a cluster, and the end of one.</summary>
internal static class RunsCommand
{
    public static Command Create() => new("runs", "List runs, or delete one: those of a folder, or with --connect the models of a cluster.") { List(), Delete() };

    private static Command List()
    {
        Option<string> runs = SharedOptions.Runs();
        Option<string?> connect = ConnectOption.Create();
        Option<bool> json = SharedOptions.Json();
        return new Command("list", "List the names of runs, and how far they are.") { runs, connect, json }.Runs(async (parsed, output, cancellation) =>
        {
            string folder = parsed.GetRequiredValue(runs);
            RunEntry[] all = ConnectOption.Of(parsed, connect, folder) is { } cluster ? await InAsync(cluster, cancellation) : [.. In(folder)];
            if (parsed.GetValue(json))
            {
                output.Out.WriteLine(JsonSerializer.Serialize(all, SnakeCase.OneLine));
                return ExitCode.Done;
            }

            foreach (RunEntry run in all)
            {
                output.Out.WriteLine($"{VisibleText.OfName(run.Name)}: {(run.Step is { } step ? $"step {step:N0}" : "nothing learnt yet")}{(run.Stopped == true ? ", stopped" : "")}");
            }

            return ExitCode.Done;
        });
    }

    private static Command Delete()
    {
        Argument<string> name = SharedOptions.RunName();
        Option<string> runs = SharedOptions.Runs();
        Option<string?> connect = ConnectOption.Create();
        return new Command("delete", "Delete a run and its checkpoints from a folder, or a model from a cluster, whose checkpoints stay.")
        {
            name, runs, connect,
        }.Runs(async (parsed, output, cancellation) =>
        {
            (string which, string folder) = (parsed.GetRequiredValue(name), parsed.GetRequiredValue(runs));
            bool existed;
            if (ConnectOption.Of(parsed, connect, folder) is { } options)
            {
                await using MoECluster cluster = await MoECluster.ConnectAsync(options, cancellationToken: cancellation);
                existed = await cluster.DeleteModelAsync(which, cancellation);
            }
            else
            {
                existed = EarlierRun.Delete(RunFolder.Named(folder, which));
            }

            output.Out.WriteLine(existed ? $"Deleted {which}." : $"There is no run {which}.");
            return existed ? ExitCode.Done : ExitCode.Failed;
        });
    }

    private static async Task<RunEntry[]> InAsync(ConnectOptions options, CancellationToken cancellation)
    {
        await using MoECluster cluster = await MoECluster.ConnectAsync(options, cancellationToken: cancellation);
        return [.. (await cluster.ListModelsAsync(cancellation)).Select(model => new RunEntry(model.Name, model.Step, model.IsStopped))];
    }

    private static IEnumerable<RunEntry> In(string runs) =>
        from path in Directory.Exists(runs) ? Directory.GetDirectories(runs).Order(StringComparer.Ordinal) : Enumerable.Empty<string>()
        let folder = RunFolder.At(path)
        let step = StepOf(folder)
        where step is not null || File.Exists(folder.StatusFile)
        select new RunEntry(folder.Name, step, null);

    private static long? StepOf(RunFolder folder)
    {
        try
        {
            return folder.CheckpointStep();
        }
        catch (CheckpointException)
        {
            return null;
        }
    }

    /// <summary>A run, as it is listed.</summary>
    /// <param name="Name">Its name.</param>
    /// <param name="Step">The step of its newest checkpoint, or its last committed one in a cluster; null before the first.</param>
    /// <param name="Stopped">Whether a cluster's model was stopped; null for a folder's run.</param>
    private sealed record RunEntry(string Name, long? Step, bool? Stopped);
}
