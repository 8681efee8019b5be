using System.Diagnostics;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Threading.Channels;
using MoEActors.Benchmarks;
using MoEActors.Client;
using MoEActors.Grains.Interfaces.Training;

namespace MoEActors.Cli.Chaos;

/// <summary>
/// A training on a cluster whose silos are killed, and the same training undisturbed. The next disaster waits until all silos are members again.
/// </summary>
/// <param name="run">What is trained.</param>
/// <param name="interval">Steps between snapshots.</param>
/// <param name="progress">Is told what goes on.</param>
internal sealed class ChaosRun(TrainedRun run, int interval, ChaosProgress progress)
{
    /// <summary>How long the run may take to go on, or to take a silo in again, before that is a failure.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(120);

    /// <summary>
    /// Between two steps while silos start again, which is not measured: a run at full speed takes the processors that they start on, and each of its steps is trained once more, undisturbed.
    /// </summary>
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(30);

    private readonly Channel<Acknowledgement> _acknowledged = Channel.CreateUnbounded<Acknowledgement>();
    private readonly List<Acknowledgement> _seen = [];
    private readonly List<Resumption> _resumed = [];
    private volatile bool _someStart;

    /// <summary>Trains through all disasters, then undisturbed, and compares.</summary>
    /// <param name="victims">The cluster; it is disposed when it is not needed any more.</param>
    /// <param name="events">What happens.</param>
    /// <param name="cancellation">Ends it.</param>
    public async Task<ChaosReport> RunAsync(IVictims victims, IReadOnlyList<ChaosEvent> events, CancellationToken cancellation)
    {
        (double[] losses, ulong fingerprint) = await DisturbedAsync(victims, events, cancellation);
        UndisturbedRun expected = await UndisturbedRun.OfAsync(run, losses.Length, progress, cancellation);
        int? different = expected.FirstDifference(losses);
        double perStep = MedianSeconds(_seen);
        return new ChaosReport
        {
            Silos = victims.Count,
            Kills = events.Sum(one => one.Hits),
            Disasters = events.GroupBy(one => one.What).ToDictionary(kind => NameOf(kind.Key), kind => kind.Sum(one => one.Hits)),
            SnapshotInterval = interval,
            AcknowledgedSteps = losses.Length,
            LostSteps = different is { } first ? losses.Length - first + 1 : 0,
            BitIdentical = different is null && fingerprint == expected.Fingerprint,
            FirstDifference = different,
            SecondsPerStep = perStep,
            SecondsToResume = Spread.Of(_resumed.Select(one => one.Less(perStep))),
            SecondsToResumeWithSteps = Spread.Of(_resumed.Select(one => one.Seconds)),
            StepsRepeated = Spread.Of(_resumed.Select(one => (double)one.StepsRepeated)),
            Resumptions = _resumed,
            ByDisaster = _resumed.GroupBy(one => one.What).ToDictionary(kind => kind.Key, kind => Spread.Of(kind.Select(one => one.Less(perStep)))),
        };
    }

    private static string NameOf(Disaster what) => JsonNamingPolicy.SnakeCaseLower.ConvertName(what.ToString());

    private static double MedianSeconds(IReadOnlyList<Acknowledgement> steps) =>
        Spread.Of(steps.Zip(steps.Skip(1), (first, second) => Stopwatch.GetElapsedTime(first.Time, second.Time).TotalSeconds)).Median;

    private async Task<(double[] Losses, ulong Fingerprint)> DisturbedAsync(IVictims victims, IReadOnlyList<ChaosEvent> events, CancellationToken cancellation)
    {
        await using IVictims cluster = victims;
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        using var enough = new CancellationTokenSource();
        MoEModel model = await run.CreateAsync(cluster.Client, cancellation);
        Task disturbing = Task.Run(() => DisturbAsync(cluster, model, events, enough, ended.Token), CancellationToken.None);
        Task<double[]> training = TrainAsync(model, enough.Token, ended.Token);
        try
        {
            // Whoever fails first says why; the others would wait in vain.
            await await Task.WhenAny(disturbing, training, cluster.Ended);
            await disturbing;
            return (await training, await model.FingerprintAsync(cancellation));
        }
        finally
        {
            await ended.CancelAsync();
            await Task.WhenAll(disturbing, training).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task<double[]> TrainAsync(MoEModel model, CancellationToken enough, CancellationToken cancellation)
    {
        List<double> losses = [];
        await foreach (StepOutcome outcome in model.TrainAsync(BatchesAsync(enough, cancellation), cancellation))
        {
            if (outcome.Step != losses.Count + 1)
            {
                throw new InvalidOperationException($"Step {outcome.Step} was acknowledged after step {losses.Count}.");
            }

            losses.Add(outcome.Loss);
            _acknowledged.Writer.TryWrite(new Acknowledgement(outcome.Step, outcome.View, outcome.Timings.Length, Stopwatch.GetTimestamp()));
        }

        return [.. losses];
    }

    private async IAsyncEnumerable<IReadOnlyList<MicroBatch>> BatchesAsync(CancellationToken enough, [EnumeratorCancellation] CancellationToken cancellation)
    {
        foreach (IReadOnlyList<MicroBatch> batch in run.Batches(int.MaxValue).TakeWhile(_ => !enough.IsCancellationRequested))
        {
            if (_someStart)
            {
                await Task.Delay(Pause, cancellation);
            }

            yield return batch;
        }
    }

    private async Task DisturbAsync(
        IVictims cluster, MoEModel model, IReadOnlyList<ChaosEvent> events, CancellationTokenSource enough, CancellationToken cancellation)
    {
        var strike = new ChaosStrike(cluster, model.Name, () => Mark(cluster));
        int hits = 0, all = events.Sum(one => one.Hits);
        try
        {
            foreach (ChaosEvent one in events)
            {
                progress.Show($"{hits} of {all}: until all silos are members");
                long first = (await AllAreMembersAsync(cluster, cancellation)).Step;
                progress.Show($"{hits} of {all}: until step {first + one.Gap}");
                await UntilAsync(ack => ack.Step >= first + one.Gap, $"step {first + one.Gap}", cancellation);
                await Task.Delay(TimeSpan.FromSeconds(one.Phase * MedianSeconds([.. _seen.TakeLast(20)])), cancellation);
                ChaosBlow blow = await strike.BeginAsync(one, cancellation);
                hits += one.Hits;
                string what = NameOf(one.What);
                progress.Show($"{hits} of {all}: until the run goes on after {what.Replace('_', ' ')} {string.Join(", ", blow.Silos)}");
                Acknowledgement resumed = await UntilAsync(
                    blow.IsOver, $"the run to go on after {what.Replace('_', ' ')} {string.Join(" and ", blow.Silos)} at step {blow.Last.Step}", cancellation);
                var resumption = new Resumption(
                    what, blow.Silos, blow.Last.Step, Stopwatch.GetElapsedTime(blow.Since, resumed.Time).TotalSeconds, cluster.StepsRepeated - blow.Last.Repeated);
                _resumed.Add(resumption);
                progress.Tell(resumption.Line(hits, all));
                await blow.MendAsync(cancellation);
            }

            await AllAreMembersAsync(cluster, cancellation);
        }
        finally
        {
            await enough.CancelAsync();
        }
    }

    /// <summary>The last step that has been acknowledged, and now.</summary>
    private (Acknowledgement Last, long Time) Mark(IVictims cluster)
    {
        while (_acknowledged.Reader.TryRead(out Acknowledgement? next))
        {
            _seen.Add(next);
        }

        return (_seen[^1] with { Repeated = cluster.StepsRepeated }, Stopwatch.GetTimestamp());
    }

    private async Task<Acknowledgement> AllAreMembersAsync(IVictims cluster, CancellationToken cancellation)
    {
        _someStart = true;
        try
        {
            return await UntilAsync(ack => ack.Workers == cluster.Count, "all silos are members", cancellation);
        }
        finally
        {
            _someStart = false;
        }
    }

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
        }

        throw new TimeoutException(string.Create(
            CultureInfo.InvariantCulture, $"Waited {Patience.TotalSeconds:F0} s in vain for {what}; the last step that was acknowledged is {(_seen.Count == 0 ? 0 : _seen[^1].Step)}."));
    }
}
