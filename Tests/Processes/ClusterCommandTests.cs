using System.Diagnostics;
using System.Globalization;
using MoEActors.Cli.Supervision;
using MoEActors.Client;
using MoEActors.Client.Connections;
using MoEActors.Tests.Cli;
using MoEActors.Tests.Client.Data;
using MoEActors.Tests.Packages;
using MoEActors.Tests.Support;

namespace MoEActors.Tests.Processes;

/// <summary>`moe cluster`: several processes that start, are kept running, and end as one.</summary>
public sealed class ClusterCommandTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_cluster_of_processes_is_kept_running_ends_with_whoever_started_it_and_goes_on_where_it_was()
    {
        using var folder = new TemporaryFolder();
        int[] children;
        using (ChildProcess cluster = Start(folder))
        {
            await cluster.SaysAsync("^cluster all 2 silos are up");
            children = [.. Processes.ChildrenOf(cluster.Id)];
            Assert.Equal(3, children.Length);
            Assert.DoesNotContain(Words(folder, "secret"), Processes.Listed(cluster.Id), StringComparison.Ordinal);
            Assert.All(children, child => Assert.DoesNotContain(Words(folder, "secret"), Processes.Listed(child), StringComparison.Ordinal));
            Assert.All(children, child => Assert.DoesNotContain(Words(folder, "redis-password"), Processes.Listed(child), StringComparison.Ordinal));
            Assert.All(children, child => Assert.Contains("MALLOC_ARENA_MAX=1", Processes.VariablesOf(child)));

            // Another cluster beside the same runs has no place; commands find this one.
            string runs = Path.Combine(folder.Path, "runs");
            CommandLineRun second = await CommandLineRun.Of("cluster", "--runs", runs);
            Assert.Equal(2, second.ExitCode);
            Assert.Contains("A cluster is at work", second.Error, StringComparison.Ordinal);
            CommandLineRun status = await CommandLineRun.Of("status", "--runs", runs, "--connect");
            Assert.Equal(0, status.ExitCode);
            Assert.Contains("There are no models", status.Output, StringComparison.Ordinal);

            await using MoECluster connected = await MoECluster.ConnectAsync(Options(folder), cancellationToken: Cancellation);
            MoEModel model = await connected.CreateModelAsync("m", TrainingRuns.Small, null, Cancellation);
            TrainingTrace trained = await TrainOnAllAsync(model, 5);

            // A silo that dies is started again, under its name and where it was.
            children = [.. Processes.ChildrenOf(cluster.Id)];
            int silo = children.Single(child => Processes.Listed(child).Contains("silo-1", StringComparison.Ordinal));
            Process.Start("kill", ["-KILL", silo.ToString(CultureInfo.InvariantCulture)]).WaitForExit();
            await cluster.SaysAsync("^silo-1 ended with exit code 137; it starts again in [0-9.]+ s");
            await cluster.SaysAsync("^cluster all 2 silos are up");
            children = [.. Processes.ChildrenOf(cluster.Id)];
            Assert.Equal(3, children.Length);

            // The run goes on with it as if nothing had happened.
            TrainingTrace rest = await TrainOnAllAsync(model, 4);
            TrainingTrace expected = await TrainingTrace.UndisturbedAsync(TrainingRuns.Small, (int)model.Step);
            expected.AssertSame(new TrainingTrace([.. trained.Losses, .. rest.Losses], [.. trained.Norms, .. rest.Norms], rest.Fingerprint), "on processes of which one was killed");

            // Nobody is left of it when it is killed.
            cluster.Signal("KILL");
            await cluster.DiesAsync();
        }

        await Deadline.WithinAsync(GoneAsync(children), "the children of a supervisor that was killed have ended", TimeSpan.FromSeconds(10));

        using (ChildProcess next = Start(folder, silos: "1"))
        {
            await next.SaysAsync("^cluster all 1 silos are up");
            children = [.. Processes.ChildrenOf(next.Id)];
            next.Signal("INT");
            Assert.Equal(130, await next.EndAsync());
            Assert.Contains("silo-0 ", next.Output, StringComparison.Ordinal);
            Assert.DoesNotContain(Words(folder, "secret"), next.Output, StringComparison.Ordinal);
        }

        await Deadline.WithinAsync(GoneAsync(children), "the children of a supervisor that was asked to end have ended", TimeSpan.FromSeconds(2));
    }

    /// <summary>Trains for some steps, and for more until both silos take part: on a machine that is busy, one may be taken for dead, and is started again.</summary>
    private static async Task<TrainingTrace> TrainOnAllAsync(MoEModel model, int steps)
    {
        TrainingTrace all = await TrainingTrace.OfAsync(model, steps);
        await Deadline.UntilAsync(
            async () =>
            {
                if ((await model.GetStatusAsync(Cancellation)).SiloNames.Order().SequenceEqual(["silo-0", "silo-1"]))
                {
                    return true;
                }

                TrainingTrace more = await TrainingTrace.OfAsync(model, 1);
                all = new TrainingTrace([.. all.Losses, .. more.Losses], [.. all.Norms, .. more.Norms], more.Fingerprint);
                return false;
            },
            "both silos take part");
        return all;
    }

    private static ConnectOptions Options(TemporaryFolder folder)
    {
        var here = ClusterFolder.Beside(Path.Combine(folder.Path, "runs"));
        LocalCluster cluster = here.Read()!;
        return new ConnectOptions
        {
            Redis = cluster.Redis,
            RedisPassword = here.RedisPassword(),
            ClusterId = cluster.ClusterId,
            ServiceId = cluster.ServiceId,
            Secret = here.Secret(),
        };
    }

    private static ChildProcess Start(TemporaryFolder folder, string silos = "2") =>
        MoeProcess.Start(folder.Path, new Dictionary<string, string>(), "cluster", "--silos", silos);

    private static string Words(TemporaryFolder folder, string file) => File.ReadAllText(Path.Combine(folder.Path, "runs", ".cluster", file)).Trim();

    private static async Task GoneAsync(int[] processes)
    {
        foreach (int number in processes)
        {
            try
            {
                using var process = Process.GetProcessById(number);
                await process.WaitForExitAsync(Cancellation);
            }
            catch (ArgumentException)
            {
                // It has gone.
            }
        }
    }
}
