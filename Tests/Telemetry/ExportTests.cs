using System.Diagnostics;
using MoEActors.Client;
using MoEActors.Grains.Interfaces.Training;
using MoEActors.Grains.Telemetry;
using MoEActors.Silo.Embedded;
using MoEActors.Tests.Support;
using OpenTelemetry;
using OpenTelemetry.Metrics;
using OpenTelemetry.Trace;

namespace MoEActors.Tests.Telemetry;

/// <summary>What the OpenTelemetry SDK makes of spans and instruments.</summary>
public sealed class ExportTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_step_is_one_trace_across_all_silos()
    {
        List<Activity> exported = [];
        using TracerProvider tracer = Sdk.CreateTracerProviderBuilder().AddSource("MoEActors").AddInMemoryExporter(exported).Build();
        await using TrainingCluster cluster = await TrainingCluster.RentAsync(3);
        string name = cluster[$"traced-{Guid.NewGuid():n}"];
        MoEModel model = await cluster.Client.CreateModelAsync(name, TrainingRuns.Small, null, Cancellation);

        // A caller's own span does not make one trace of all its steps.
        using var caller = new Activity("caller").Start();
        await foreach (StepOutcome _ in model.TrainAsync(Enumerable.Range(1, 3).Select(step => TrainingRuns.Batch(model.Run, step)), Cancellation))
        {
        }

        // The last step's commit may still be on its way to the members; this comes behind it.
        await model.FingerprintAsync(Cancellation);
        tracer.ForceFlush();
        Activity[] spans;
        lock (exported)
        {
            spans = [.. exported.Where(span => name.Equals(span.GetTagItem("model")))];
        }

        ActivityTraceId[] traces = [.. spans.Where(span => span.OperationName == "moe.step").Select(span => span.TraceId)];
        Assert.Equal(3, traces.Distinct().Count());
        foreach (ActivityTraceId trace in traces)
        {
            Activity[] step = [.. spans.Where(span => span.TraceId == trace)];
            Activity root = Assert.Single(step, span => span.Parent is null && span.ParentSpanId == default);
            Assert.Equal("moe.step", root.OperationName);
            Assert.All(step.Except([root]), span => Assert.Contains(step, other => other.SpanId == span.ParentSpanId));
            foreach (string command in new[] { "moe.command.Prepare", "moe.command.Commit" })
            {
                Assert.Equal(3, step.Where(span => span.OperationName == command).Select(span => span.GetTagItem("silo")).Distinct().Count());
            }
        }
    }

    [Fact]
    public async Task Gauges_say_how_a_run_stands_and_end_with_its_coordinator_and_a_silo_that_dies_takes_only_its_own()
    {
        List<Metric> exported = [];
        using MeterProvider meter = Sdk.CreateMeterProviderBuilder().AddMeter("MoEActors").AddInMemoryExporter(exported).Build();
        await using TrainingCluster cluster = await TrainingCluster.RentAsync([1, 1, 1], snapshots: 2);
        string name = cluster[$"gauged-{Guid.NewGuid():n}"];
        MoEModel model = await cluster.Client.CreateModelAsync(name, TrainingRuns.Small, null, Cancellation);
        List<StepOutcome> steps = [];
        for (int step = 1; step <= 10; step++)
        {
            steps.Add(await model.TrainStepAsync(TrainingRuns.Batch(model.Run, step), Cancellation));
        }

        Dictionary<string, double> read = Read("model", name);
        Assert.Equal((10, steps[^1].Loss, steps[^1].GradientNorm), (read["moe.step.last"], read["moe.loss"], read["moe.gradient.norm"]));
        Assert.Equal(10 - (await model.GetStatusAsync(Cancellation)).SnapshotStep, read["moe.snapshot.age"]);
        long[][] window = [.. steps[^8..].Select(step => step.KeptTokens[0])];
        long[] sums = [.. Enumerable.Range(0, window[0].Length).Select(expert => window.Sum(step => step[expert]))];
        Assert.Equal((double)sums.Max() * sums.Length / sums.Sum(), read["moe.expert.load.ratio layer=0"], 12);
        Assert.Equal(sums.Count(tokens => tokens == 0), read["moe.experts.dead layer=0"]);
        Assert.Equal(steps.Sum(step => step.KeptTokens[0][1]), read["moe.expert.tokens expert=1 layer=0"]);
        Assert.Equal((0, 0), (read["moe.steps.aborted cause=member"], read["moe.placement.changes outcome=abandoned"]));

        // A silo dies: what the others measure is still exported, and its own is not.
        EmbeddedSilo dead = cluster.Silos.Silos[^1];
        await cluster.KillAsync(dead);
        await model.TrainStepAsync(TrainingRuns.Batch(model.Run, 11), Cancellation);
        Assert.All(cluster.Silos.Silos, silo => Assert.True(Read("silo", silo.Address.ToParsableString()).GetValueOrDefault("moe.memory.used device=0") > 0));
        Assert.DoesNotContain("moe.memory.used device=0", Read("silo", dead.Address.ToParsableString()).Keys);
        Assert.Equal(11, Read("model", name)["moe.step.last"]);
        await cluster.Client.DeleteModelAsync(name, Cancellation);
        Assert.DoesNotContain("moe.loss", Read("model", name).Keys);

        // By name and other tags: what has a tag of this value.
        Dictionary<string, double> Read(string key, string value)
        {
            lock (exported)
            {
                exported.Clear();
            }

            meter.ForceFlush();
            Dictionary<string, double> found = [];
            foreach (Metric metric in exported)
            {
                foreach (ref readonly MetricPoint point in metric.GetMetricPoints())
                {
                    List<string> words = [metric.Name];
                    bool isMeant = false;
                    foreach (KeyValuePair<string, object?> tag in point.Tags)
                    {
                        isMeant |= tag.Key == key && value.Equals(tag.Value);
                        words.AddRange(tag.Key == key ? [] : [$"{tag.Key}={tag.Value}"]);
                    }

                    if (isMeant)
                    {
                        found[string.Join(' ', words)] = metric.MetricType switch
                        {
                            MetricType.LongGauge => point.GetGaugeLastValueLong(),
                            MetricType.DoubleGauge => point.GetGaugeLastValueDouble(),
                            MetricType.LongSum => point.GetSumLong(),
                            _ => double.NaN,
                        };
                    }
                }
            }

            return found;
        }
    }

    [Theory]
    [InlineData(1, 8, 8, 8, 8)]
    [InlineData(1, 512)]
    [InlineData(2, 513)]
    [InlineData(4, 256, 256, 256, 256, 256, 256, 256, 256)]
    [InlineData(1)]
    [InlineData(1, 0, 0)]
    public void Series_of_experts_stay_few(int size, params int[] layers)
    {
        Assert.Equal(size, RunMeter.GroupSize(layers));
        Assert.InRange(layers.Sum(experts => (experts + size - 1) / size), 0, RunMeter.MostExpertSeries);
    }
}
