using System.CommandLine;
using System.Text.Json;
using MoEActors.Benchmarks;
using MoEActors.Cli.Chaos;
using MoEActors.Cli.Supervision;

namespace MoEActors.Cli.Commands;

/// <summary>`moe chaos`: kills silos while a model trains, and checks that nothing is lost.</summary>
internal static class ChaosCommand
{
    /// <summary>Of two silos that die at once, somebody must be left.</summary>
    private const int LeastSilos = 3;

    public static Command Create()
    {
        Option<string?> config = SharedOptions.InsteadOfDemo("Train");
        Option<int> kills = NumberOption.Count("--kills", "Silos to kill, or to hit in another way.", 20);
        Option<int> silos = SharedOptions.Silos("Number of silos.");
        Option<bool> cluster = new("--cluster") { Description = "Kill processes of a cluster of its own, as moe cluster runs one, instead of silos in this process." };
        Option<string?> store = StoreOption();
        Option<string> kinds = TextOption.WithDefault(
            "--disasters", "LIST", "What happens: kill, and to processes freeze, silence, cut, store and forget, as in kill,freeze.", "kill");
        Option<int> interval = NumberOption.Count("--snapshot-every", "Steps from one snapshot to the next.", 20);
        Option<long> seed = NumberOption.Seed();
        Option<string> runs = SharedOptions.Runs();
        Option<string?> json = SharedOptions.JsonOrFile();
        Command command = new("chaos", "Kill silos while a model trains, at random phases of random steps, and check that nothing that was acknowledged is lost.")
        {
            config, kills, silos, cluster, store, kinds, interval, seed, runs, json,
        };
        return command.Runs(async (parsed, output, cancellation) =>
        {
            int count = parsed.GetValue(silos), every = parsed.GetValue(interval);
            UsageException.ThrowUnless(count >= LeastSilos, $"--silos {count} is too few: of two that die at once, one must be left, so at least {LeastSilos}.");
            UsageException.ThrowUnless(parsed.GetValue(cluster) || parsed.GetValue(store) is null, "--store is about processes, so --cluster must be there, too.");
            StoreKind kind = StoreOf(parsed.GetValue(store));
            Disasters wanted = DisastersOf(parsed.GetRequiredValue(kinds), parsed.GetValue(cluster));
            UsageException.ThrowUnless(!wanted.HasFlag(Disasters.Forget) || kind == StoreKind.Redis, "--disasters forget is about the file of Redis, so --store redis must be there, too.");
            OutputFile.RequireWritable("--json", parsed.GetValue(json));
            TrainedRun run = ConfiguredRun.Read(parsed.GetValue(config), output);
            IReadOnlyList<ChaosEvent> events = ChaosPlan.Draw(parsed.GetValue(kills), count, every, (int)parsed.GetValue(seed), wanted);
            var progress = new ChaosProgress(output);
            ChaosReport report;
            if (parsed.GetValue(cluster))
            {
                ClusterFolder folder = ClusterFolder.OfChaos(parsed.GetRequiredValue(runs));
                report = await OnProcessesAsync(
                    folder, new ClusterPlan(count) { Store = kind, SnapshotInterval = every }, progress, withRelays: (wanted & (Disasters.Silence | Disasters.Cut)) != Disasters.None,
                    async victims => await new ChaosRun(run, every, progress).RunAsync(victims, events, cancellation) with { Store = $"{kind}".ToLowerInvariant() },
                    found => found.IsGood, cancellation);
            }
            else
            {
                report = await new ChaosRun(run, every, progress).RunAsync(await EmbeddedVictims.StartAsync(count, every, cancellation), events, cancellation);
            }

            progress.Clear();
            await WriteAsync(report, parsed.GetResult(json) is { Implicit: false }, parsed.GetValue(json), output, cancellation);
            return report.IsGood ? ExitCode.Done : ExitCode.Failed;
        });
    }

    /// <summary>The option that chooses the server in which processes meet.</summary>
    public static Option<string?> StoreOption()
    {
        Option<string?> store = new("--store")
        {
            Description = "The server in which processes meet: garnet, or redis where redis-server is on the PATH; garnet where it is left out.",
            HelpName = "NAME",
        };
        store.AcceptOnlyFromAmong("garnet", "redis");
        return store;
    }

    /// <summary>The server that was chosen.</summary>
    /// <exception cref="UsageException">It is not there.</exception>
    public static StoreKind StoreOf(string? name)
    {
        StoreKind kind = name == "redis" ? StoreKind.Redis : StoreKind.Garnet;
        UsageException.ThrowUnless(kind == StoreKind.Garnet || RedisStore.Find() is not null, "--store redis needs redis-server, which is not on the PATH.");
        return kind;
    }

    /// <summary>Does something with processes of a cluster. What they leave is deleted if all is well, and is there to be looked at if not.</summary>
    public static async Task<T> OnProcessesAsync<T>(
        ClusterFolder folder, ClusterPlan plan, ChaosProgress progress, bool withRelays, Func<ProcessVictims, Task<T>> use, Func<T, bool> isGood, CancellationToken cancellation)
    {
        bool isWell = false;
        try
        {
            progress.Show($"{plan.Silos} silos and {plan.Store} start");
            await using ProcessVictims victims = await ProcessVictims.StartAsync(folder, plan, withRelays, cancellation);
            progress.Tell($"{plan.Silos} silos and {plan.Store} are up; their log is {folder.Log}");
            T report = await use(victims);
            isWell = isGood(report);
            return report;
        }
        finally
        {
            if (isWell || cancellation.IsCancellationRequested)
            {
                folder.Delete();
            }
            else
            {
                progress.Tell($"What the processes have left is in {folder}.");
            }
        }
    }

    private static Disasters DisastersOf(string list, bool ofProcesses)
    {
        Disasters all = Disasters.None;
        foreach (string name in list.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            UsageException.ThrowUnless(
                Enum.TryParse(name, ignoreCase: true, out Disasters kind) && Enum.IsDefined(kind) && kind != Disasters.None && name.All(char.IsAsciiLetter),
                $"--disasters '{name}' is none of {string.Join(", ", Enum.GetNames<Disasters>().Skip(1)).ToLowerInvariant()}.");
            UsageException.ThrowUnless(ofProcesses || kind == Disasters.Kill, $"--disasters {name} is about processes, so --cluster must be there, too.");
            UsageException.ThrowUnless(kind == Disasters.Kill || ProcessSignal.IsSupported, $"--disasters {name} can be had on Linux alone.");
            all |= kind;
        }

        UsageException.ThrowUnless(all != Disasters.None, "--disasters is empty; kill is one.");
        return all;
    }

    private static async Task WriteAsync(ChaosReport report, bool asJson, string? file, CommandOutput output, CancellationToken cancellation)
    {
        if (file is not null)
        {
            await OutputFile.WriteAsync(file, JsonSerializer.Serialize(report, SnakeCase.Indented), output, cancellation);
        }

        if (asJson && file is null)
        {
            output.Out.WriteLine(JsonSerializer.Serialize(report, SnakeCase.OneLine));
        }
        else
        {
            report.Print(output.Out);
        }
    }
}
