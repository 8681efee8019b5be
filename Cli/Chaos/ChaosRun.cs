using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Text.Json;
using System.Threading.Channels;
using MoEActors.Benchmarks;
using MoEActors.Client;
using MoEActors.Grains.Interfaces.Training;
using MoEActors.Silo.Embedded;

namespace MoEActors.Cli.Chaos;

/// <summary>
/// A training on an embedded cluster whose silos are killed, and the same training undisturbed. A silo that died is started again once the run goes on
/// without it, and the next disaster waits until it is a member.
/// </summary>
internal sealed class ChaosRun : IDisposable
{
    /// <summary>How long the run may take to go on, or to take a silo in again, before that is a failure.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(120);

    private readonly TrainedRun _run;
    private readonly int _silos;
    private readonly int _interval;
    private readonly MeterListener _listener = new();
    private readonly Channel<Acknowledgement> _acknowledged = Channel.CreateUnbounded<Acknowledgement>();
    private readonly List<Acknowledgement> _seen = [];
    private readonly List<(double Seconds, long Repeated)> _resumed = [];
    private readonly CancellationTokenSource _enough = new();
    private long _repeated;

    /// <param name="run">What is trained.</param>
    /// <param name="silos">Silos of the cluster.</param>
    /// <param name="interval">Steps between snapshots.</param>
    public ChaosRun(TrainedRun run, int silos, int interval)
    {
        (_run, _silos, _interval) = (run, silos, interval);
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (instrument is { Meter.Name: "MoEActors", Name: "moe.recovery.steps" })
            {
                listener.EnableMeasurementEvents(instrument);
            }
        };
        _listener.SetMeasurementEventCallback<long>((_, steps, _, _) => Interlocked.Add(ref _repeated, steps));
        _listener.Start();
    }

    /// <summary>Trains through all disasters, then undisturbed, and compares.</summary>
    /// <param name="events">What happens.</param>
    /// <param name="progress">Is told of kills.</param>
    /// <param name="cancellation">Ends it.</param>
    public async Task<ChaosReport> RunAsync(IReadOnlyList<ChaosEvent> events, Action<string, int> progress, CancellationToken cancellation)
    {
        (double[] losses, ulong fingerprint) = await DisturbedAsync(events, progress, cancellation);
        (double[] expected, ulong undisturbed) = await UndisturbedAsync(losses.Length, events.Sum(one => one.Kills), progress, cancellation);
        int different = Enumerable.Range(0, losses.Length).FirstOrDefault(
            step => BitConverter.DoubleToInt64Bits(losses[step]) != BitConverter.DoubleToInt64Bits(expected[step]), -1);
        double perStep = MedianSeconds(_seen);
        return new ChaosReport
        {
            Silos = _silos,
            Kills = events.Sum(one => one.Kills),
            Disasters = events.GroupBy(one => one.What).ToDictionary(
                kind => JsonNamingPolicy.SnakeCaseLower.ConvertName(kind.Key.ToString()), kind => kind.Sum(one => one.Kills)),
            SnapshotInterval = _interval,
            AcknowledgedSteps = losses.Length,
            LostSteps = different < 0 ? 0 : losses.Length - different,
            BitIdentical = different < 0 && fingerprint == undisturbed,
            FirstDifference = different < 0 ? null : different + 1,
            SecondsPerStep = perStep,
            SecondsToResume = Spread.Of(_resumed.Select(one => Math.Max(0, one.Seconds - (one.Repeated + 1) * perStep))),
            SecondsToResumeWithSteps = Spread.Of(_resumed.Select(one => one.Seconds)),
            StepsRepeated = Spread.Of(_resumed.Select(one => (double)one.Repeated)),
        };
    }

    public void Dispose()
    {
        _listener.Dispose();
        _enough.Dispose();
    }

    private Task<EmbeddedCluster> StartAsync(CancellationToken cancellation) =>
        EmbeddedCluster.StartAsync(new EmbeddedClusterOptions { Silos = _silos, SnapshotInterval = _interval }, cancellation);

    private async Task<(double[] Losses, ulong Fingerprint)> UndisturbedAsync(int steps, int kills, Action<string, int> progress, CancellationToken cancellation)
    {
        await using EmbeddedCluster cluster = await StartAsync(cancellation);
        MoEModel model = await _run.CreateAsync(cluster, cancellation);
        List<double> losses = [];
        await foreach (StepOutcome outcome in model.TrainAsync(_run.Batches(steps), cancellation))
        {
            losses.Add(outcome.Loss);
            progress($"again undisturbed, at step {outcome.Step} of {steps}", kills);
        }

        return ([.. losses], await model.FingerprintAsync(cancellation));
    }

    private async Task<(double[] Losses, ulong Fingerprint)> DisturbedAsync(
        IReadOnlyList<ChaosEvent> events, Action<string, int> progress, CancellationToken cancellation)
    {
        await using EmbeddedCluster cluster = await StartAsync(cancellation);
        MoEModel model = await _run.CreateAsync(cluster, cancellation);
        Task disturbing = Task.Run(() => DisturbAsync(cluster, model, events, progress, cancellation), cancellation);
        List<double> losses = [];
        try
        {
            await foreach (StepOutcome outcome in model.TrainAsync(_run.Batches(int.MaxValue).TakeWhile(_ => !_enough.IsCancellationRequested), cancellation))
            {
                if (outcome.Step != losses.Count + 1)
                {
                    throw new InvalidOperationException($"Step {outcome.Step} was acknowledged after step {losses.Count}.");
                }

                losses.Add(outcome.Loss);
                var acknowledged = new Acknowledgement(outcome.Step, outcome.Timings.Length, Stopwatch.GetTimestamp());
                _acknowledged.Writer.TryWrite(acknowledged);
            }
        }
        finally
        {
            _acknowledged.Writer.TryComplete();
        }

        await disturbing;
        return ([.. losses], await model.FingerprintAsync(cancellation));
    }

    private async Task DisturbAsync(
        EmbeddedCluster cluster, MoEModel model, IReadOnlyList<ChaosEvent> events, Action<string, int> progress, CancellationToken cancellation)
    {
        try
        {
            int kills = 0;
            foreach (ChaosEvent one in events)
            {
                progress("killing silos", kills);
                long first = (await UntilAsync(ack => ack.Workers == _silos, "all silos are members", cancellation)).Step;
                Acknowledgement last = await UntilAsync(ack => ack.Step >= first + one.Gap, $"step {first + one.Gap}", cancellation);
                await Task.Delay(TimeSpan.FromSeconds(one.Phase * MedianSeconds([.. _seen.TakeLast(20)])), cancellation);
                (int[] dead, long killed) = await KillAsync(cluster, model, one, cancellation);
                kills += dead.Length;
                Acknowledgement resumed = await UntilAsync(
                    ack => ack.Step > last.Step && ack.Workers == _silos - dead.Length, $"a step without silos {string.Join(" and ", dead)}", cancellation);
                _resumed.Add((Stopwatch.GetElapsedTime(killed, resumed.Time).TotalSeconds, Interlocked.Read(ref _repeated)));
                await Task.WhenAll(dead.Select(silo => cluster.Silos.RestartAsync(silo, cancellation)));
            }

            progress("killing silos", kills);
            await UntilAsync(ack => ack.Workers == _silos, "all silos are members", cancellation);
        }
        finally
        {
            await _enough.CancelAsync();
        }
    }

    /// <summary>Does what the plan says; since the last kill the clock runs, and steps that are learnt again count.</summary>
    private async Task<(int[] Dead, long Killed)> KillAsync(EmbeddedCluster cluster, MoEModel model, ChaosEvent one, CancellationToken cancellation)
    {
        IReadOnlyList<EmbeddedSilo> silos = cluster.Silos.Silos;
        int first = one.What == Disaster.CoordinatorAndNeighbour ? await HomeAsync(cluster, model) ?? one.Silo : one.Silo;
        EmbeddedSilo silo = silos[first], other = silos[(first + 1) % silos.Count];
        long killed = Start();
        switch (one.What)
        {
            case Disaster.Silo:
                await cluster.Silos.KillAsync(silo, cancellation);
                return ([silo.Index], killed);
            case Disaster.DuringRecovery:
                await cluster.Silos.KillAsync(silo, cancellation);
                await Task.Delay(TimeSpan.FromSeconds(one.SecondAfter), cancellation);
                killed = Start();
                await cluster.Silos.KillAsync(other, cancellation);
                return ([silo.Index, other.Index], killed);
            default:
                await cluster.Silos.KillAsync([silo, other], cancellation);
                return ([silo.Index, other.Index], killed);
        }

        long Start()
        {
            Interlocked.Exchange(ref _repeated, 0);
            return Stopwatch.GetTimestamp();
        }
    }

    private static async Task<int?> HomeAsync(EmbeddedCluster cluster, MoEModel model)
    {
        SiloAddress? home = await cluster.Silos.Client.GetGrain<IManagementGrain>(0)
            .GetActivationAddress(cluster.Silos.Client.GetGrain<ITrainingGrain>(model.Name));
        return cluster.Silos.Silos.FirstOrDefault(silo => silo.Address.Equals(home))?.Index;
    }

    private static double MedianSeconds(IReadOnlyList<Acknowledgement> steps) =>
        Spread.Of(steps.Zip(steps.Skip(1), (first, second) => Stopwatch.GetElapsedTime(first.Time, second.Time).TotalSeconds)).Median;

    private async Task<Acknowledgement> UntilAsync(Func<Acknowledgement, bool> arrives, string what, CancellationToken cancellation)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(Patience);
        try
        {
            await foreach (Acknowledgement next in _acknowledged.Reader.ReadAllAsync(limit.Token))
            {
                _seen.Add(next);
                if (arrives(next))
                {
                    return next;
                }
            }
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            throw new TimeoutException($"Waited {Patience.TotalSeconds:F0} s in vain for {what}.");
        }

        throw new InvalidOperationException($"The training ended before {what}.");
    }

    /// <summary>A step that the client knows to be committed.</summary>
    private sealed record Acknowledgement(long Step, int Workers, long Time);
}
