using System.CommandLine;
using System.Diagnostics;
using MoEActors.Cli.Clusters;
using MoEActors.Cli.Runs;
using MoEActors.Cli.Supervision;
using MoEActors.Client;

namespace MoEActors.Cli.Commands;

/// <summary>`moe stop`: ends a run after its step, so that `moe resume` goes on from there.</summary>
internal static class StopCommand
{
    public static Command Create()
    {
        Argument<string> name = new("NAME") { Description = "Name of the run." };
        Option<string> runs = SharedOptions.Runs();
        Option<string?> connect = ConnectOption.Create();
        return new Command(
            "stop",
            "End a run after its step: one of this machine with a checkpoint, as Ctrl-C does where it runs; with --connect one of a cluster, with a snapshot, whether or not the program is there that has begun it. moe resume goes on from there.")
        {
            name, runs, connect,
        }.Runs(async (parsed, output, cancellation) =>
        {
            (string which, string folder) = (parsed.GetRequiredValue(name), parsed.GetRequiredValue(runs));
            if (ConnectOption.Of(parsed, connect, folder) is not { } options)
            {
                return await EndAsync(RunFolder.Existing(folder, which), output, cancellation);
            }

            await using MoECluster cluster = await MoECluster.ConnectAsync(options, cancellationToken: cancellation);
            long step = await cluster.StopModelAsync(which, cancellation);
            output.Out.WriteLine($"Stopped {which} after step {step:N0}; the cluster keeps it. Go on with: moe resume {which} --connect");
            return ExitCode.Done;
        });
    }

    /// <summary>Asks the process of a run to end, and waits until it has.</summary>
    private static async Task<int> EndAsync(RunFolder run, CommandOutput output, CancellationToken cancellation)
    {
        RunStatus status = run.ReadStatus() ?? throw run.Lacks("status", run.StatusFile);
        if (status.State != RunState.Running || run.IsIdle())
        {
            output.Out.WriteLine($"{VisibleText.OfName(run.Name)} is not running.");
            return ExitCode.Failed;
        }

        UsageException.ThrowUnless(
            status.Machine == Environment.MachineName, $"{run.Name} runs on {status.Machine}; stop it there, or with --connect where it trains on a cluster.");
        using var process = Process.GetProcessById(status.Process);
        UsageException.ThrowUnless(ProcessSignal.TryTerminate(process.Id), $"process {process.Id}, which runs {run.Name}, cannot be told from here; press Ctrl-C where it runs.");
        await process.WaitForExitAsync(cancellation);
        RunStatus last = run.ReadStatus() ?? status;
        output.Out.WriteLine(
            $"Stopped {VisibleText.OfName(run.Name)} after step {last.Step:N0}{(last.CheckpointStep == last.Step ? $". Go on with: {run.ResumeCommand}" : ", without a checkpoint of it.")}");
        return last.CheckpointStep == last.Step ? ExitCode.Done : ExitCode.Failed;
    }
}
