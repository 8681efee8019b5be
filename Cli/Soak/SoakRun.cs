using System.Diagnostics;
using System.Net;
using MoEActors.Benchmarks;
using MoEActors.Cli.Chaos;
using MoEActors.Cli.Supervision;
using MoEActors.Client;
using MoEActors.Grains.Interfaces.Director;
using MoEActors.Grains.Interfaces.Training;

namespace MoEActors.Cli.Soak;

/// <summary>What happens in a long run.</summary>
/// <param name="Steps">Steps to learn.</param>
/// <param name="KillEvery">Steps from one death of the last silo to the next; 0 for none.</param>
/// <param name="SampleEvery">Steps from one measurement to the next.</param>
/// <param name="Strangers">Connections of strangers, in all.</param>
/// <param name="Seed">Same seed, same strangers.</param>
internal sealed record SoakPlan(int Steps, int KillEvery, int SampleEvery, int Strangers, int Seed);

/// <summary>
/// A long training under a director on processes of a cluster, whose last silo is killed every so often and starts again, while strangers connect to the others.
/// What those others need is measured meanwhile.
/// </summary>
internal sealed class SoakRun(TrainedRun run, SoakPlan plan, ClusterFolder folder, IReadOnlyList<int> dataPorts, ChaosProgress progress)
{
    /// <summary>Before a fifth of the steps, caches and pools still fill.</summary>
    private const int WarmupShare = 5;

    /// <summary>How long silos may take to count the last strangers: those that say nothing are closed after five seconds.</summary>
    private static readonly TimeSpan CountPatience = TimeSpan.FromSeconds(15);

    private readonly Dictionary<int, List<SoakSample>> _samples = [];
    private int _kills;

    /// <summary>Trains, disturbs and measures.</summary>
    public async Task<(SoakReport Report, IReadOnlyList<double> Losses, ulong Fingerprint)> RunAsync(ProcessVictims victims, string store, CancellationToken cancellation)
    {
        int[] survivors = [.. Enumerable.Range(0, victims.Count - 1)];
        var strangers = new Strangers([.. survivors.SelectMany(PlacesOf)], plan.Seed);
        MoEModel model = await run.CreateAsync(victims.Client, cancellation);
        await model.SetDirectorAsync(new DirectorSettings(), cancellation);
        List<double> losses = [];
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        Task coming = Task.CompletedTask;
        long started = Stopwatch.GetTimestamp();
        try
        {
            await foreach (StepOutcome outcome in model.TrainAsync(run.Batches(plan.Steps), cancellation))
            {
                losses.Add(outcome.Loss);
                progress.Show($"step {outcome.Step} of {plan.Steps}, {_kills} kills, {strangers.Report.Connections} strangers");
                if (outcome.Step % plan.SampleEvery == 0)
                {
                    await SampleAsync(victims, survivors, outcome.Step, cancellation);
                }

                if (outcome.Step == Math.Max(1, plan.Steps / WarmupShare))
                {
                    coming = strangers.ComeAsync(plan.Strangers, ended.Token);
                }

                if (plan.KillEvery > 0 && outcome.Step % plan.KillEvery == 0 && outcome.Step < plan.Steps)
                {
                    _kills++;
                    await victims.KillAsync([victims.Count - 1], cancellation);
                }
            }

            double seconds = Stopwatch.GetElapsedTime(started).TotalSeconds;
            progress.Show("until all strangers have been");
            await coming;
            long refused = await CountAsync(victims, survivors, strangers.Report.Connections, cancellation);
            return (
                new SoakReport
                {
                    Store = store,
                    Silos = victims.Count,
                    Steps = losses.Count,
                    Kills = _kills,
                    Seconds = seconds,
                    Strangers = strangers.Report,
                    RefusedConnections = refused,
                    Survivors = [.. survivors.Select(Report)],
                },
                losses, await model.FingerprintAsync(cancellation));
        }
        finally
        {
            await ended.CancelAsync();
            await coming.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private IEnumerable<IPEndPoint> PlacesOf(int silo)
    {
        LocalSilo local = folder.Read()!.Silos[silo];
        return new[] { local.SiloPort, local.GatewayPort, dataPorts[silo] }.Select(port => new IPEndPoint(IPAddress.Loopback, port));
    }

    private async Task SampleAsync(ProcessVictims victims, int[] survivors, long step, CancellationToken cancellation)
    {
        foreach (int silo in survivors)
        {
            SoakSample sample = await ProcessGauge.MeasureAsync(victims.ProcessOf(silo), folder.Read()!.Silos[silo].HealthPort, step, cancellation);
            if (!_samples.TryGetValue(silo, out List<SoakSample>? samples))
            {
                _samples[silo] = samples = [];
            }

            samples.Add(sample);
        }
    }

    /// <summary>Connections that the survivors have refused, once they have counted so many.</summary>
    private async Task<long> CountAsync(ProcessVictims victims, int[] survivors, long least, CancellationToken cancellation)
    {
        long begun = Stopwatch.GetTimestamp();
        while (true)
        {
            await SampleAsync(victims, survivors, plan.Steps, cancellation);
            long refused = survivors.Sum(silo => _samples[silo][^1].RefusedConnections);
            if (refused >= least || Stopwatch.GetElapsedTime(begun) > CountPatience)
            {
                return refused;
            }

            await Task.Delay(TimeSpan.FromSeconds(1), cancellation);
        }
    }

    private SurvivorReport Report(int silo)
    {
        SoakSample[] warm = [.. _samples[silo].Where(sample => sample.Step >= plan.Steps / WarmupShare)];
        return new SurvivorReport(folder.Read()!.Silos[silo].Name, SoakGrowth.Of(warm), _samples[silo]);
    }
}
