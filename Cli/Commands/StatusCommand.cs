using System.CommandLine;
using System.Diagnostics;
using System.Text.Json;
using MoEActors.Cli.Clusters;
using MoEActors.Cli.Runs;

namespace MoEActors.Cli.Commands;

/// <summary>`moe status`: the state of runs, from the files that they write, or of the models of a cluster.</summary>
internal static class StatusCommand
{
    public static Command Create()
    {
        Argument<string?> name = SharedOptions.OptionalRunName("; without it, every run is told of");
        Option<string> runs = SharedOptions.Runs();
        Option<bool> json = new("--json") { Description = "Print JSON: an object for one run, a list for all." };
        Option<string?> connect = ConnectOption.Create();
        return new Command("status", "Tell how runs stand, from the files that they write; with --connect, how the models of a cluster stand.")
        {
            name, runs, json, connect,
        }.Runs(async (parsed, output, cancellation) =>
        {
            (string folder, bool asJson) = (parsed.GetRequiredValue(runs), parsed.GetValue(json));
            return ConnectOption.Of(parsed, connect, folder) is { } cluster
                ? await ModelReport.ShowAsync(cluster, parsed.GetValue(name), asJson, output.Out, cancellation)
                : parsed.GetValue(name) is { } one ? ShowOne(one, folder, asJson, output.Out) : ShowAll(folder, asJson, output);
        });
    }

    private static int ShowOne(string name, string runs, bool json, TextWriter writer)
    {
        var folder = RunFolder.Existing(runs, name);
        RunStatus read = folder.ReadStatus() ?? throw folder.Lacks("status", folder.StatusFile);
        RunStatus status = AsSeen(read, folder);
        writer.WriteLine(json ? JsonSerializer.Serialize(status, SnakeCase.OneLine) : Line(status));
        foreach (string reason in json ? [] : LayerTravel.Reasons(status.Layers))
        {
            writer.WriteLine(reason);
        }

        if (!json && status.Director is { } director)
        {
            Write(director, writer);
        }

        return ExitCode.Done;
    }

    private static int ShowAll(string runs, bool json, CommandOutput output)
    {
        TextWriter writer = output.Out;
        string[] folders = Directory.Exists(runs) ? Directory.GetDirectories(runs) : [];
        List<RunStatus> all = [];
        int code = ExitCode.Done;
        foreach (string path in folders.Order(StringComparer.Ordinal))
        {
            try
            {
                var folder = RunFolder.At(path);
                if (folder.ReadStatus() is { } status)
                {
                    all.Add(AsSeen(status, folder));
                }
            }
            catch (InvalidDataException e)
            {
                // The other runs are still reported.
                output.Error.WriteLine($"moe status: {e.Message}");
                code = ExitCode.Failed;
            }
        }

        if (json)
        {
            writer.WriteLine(JsonSerializer.Serialize(all, SnakeCase.OneLine));
        }
        else if (all.Count == 0 && code == ExitCode.Done)
        {
            writer.WriteLine($"There are no runs in {runs}. Begin one with: moe demo, or moe train --text PATH");
        }
        else
        {
            foreach (RunStatus status in all)
            {
                writer.WriteLine(Line(status));
            }
        }

        return code;
    }

    /// <summary>What the director sees and has done; shown only for a single run.</summary>
    private static void Write(DirectorReport director, TextWriter writer)
    {
        string error = director.PredictionError is { } part ? $", cost model {part * 100:0}% off" : "";
        writer.WriteLine(
            $"  director {director.Policy}: unevenness by layer {string.Join(" ", director.Balance.Select(ratio => $"{ratio:0.00}"))}{error}");
        foreach (DecisionReport decision in director.Decisions)
        {
            writer.WriteLine($"  decision {decision.Number}, step {decision.At:N0}, {decision.State}: {decision}; decided after step {decision.Step:N0}");
            foreach (LayerDecisionReport layer in decision.Layers)
            {
                writer.WriteLine($"    {layer.Reason}");
            }
        }
    }

    /// <summary>A run's status from outside: by the name that its folder has now, with the full path of its checkpoint, and as its process stands.</summary>
    private static RunStatus AsSeen(RunStatus status, RunFolder folder) => WithoutTheDead(status with
    {
        Name = folder.Name,
        Checkpoint = status.Checkpoint is { } place ? Path.GetFullPath(place, Path.GetFullPath(folder.Path)) : null,
    });

    /// <summary>A process that was killed could not write its end: a run whose process is gone from this machine has failed.</summary>
    private static RunStatus WithoutTheDead(RunStatus status) =>
        status.State == RunState.Running && status.Machine == Environment.MachineName && !IsAlive(status.Process)
            ? status with { State = RunState.Failed, Error = $"process {status.Process} ended without a word" }
            : status;

    private static bool IsAlive(int process)
    {
        try
        {
            using var found = Process.GetProcessById(process);
            return !found.HasExited;
        }
        catch (ArgumentException)
        {
            return false;
        }
    }

    private static string Mebibytes(long bytes) => $"{bytes / (double)(1 << 20):N0}";

    private static string Line(RunStatus status)
    {
        List<string> parts = [$"{VisibleText.OfName(status.Name)}: {$"{status.State}".ToLowerInvariant()}, {Wording.Step(status.Step, status.Steps)}"];
        if (status.Loss is { } loss)
        {
            parts.Add(Wording.Loss(loss));
        }

        if (status.TokensPerSecond is { } rate)
        {
            parts.Add(Wording.Speed(rate));
        }

        parts.Add(Wording.Count(status.Silos, "silo"));
        if (status.Memory.MaxBy(worker => (double)worker.Used / Math.Max(1, worker.Budget)) is { } fullest)
        {
            parts.Add($"fullest worker has {Mebibytes(fullest.Used)} of {Mebibytes(fullest.Budget)} MiB");
        }

        parts.AddRange(LayerTravel.Unusual(status.Layers));
        parts.Add(status.Checkpoint is { } checkpoint
            ? $"checkpoint of step {status.CheckpointStep:N0} in {Path.GetRelativePath(Environment.CurrentDirectory, checkpoint)}"
            : "no checkpoint");
        parts.Add($"updated {status.UpdatedAt.ToLocalTime():yyyy-MM-dd HH:mm:ss}");
        return string.Join(", ", parts) + ((status.Error ?? status.Ending) is { } end ? $". {VisibleText.OfName(end)}" : "");
    }
}
