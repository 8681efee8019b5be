using System.Text.Json;
using System.Text.RegularExpressions;
using MoEActors.Client;
using MoEActors.Grains.Interfaces.Director;
using MoEActors.Modules.Models;
using MoEActors.Tests.Support;

namespace MoEActors.Tests.Processes;

/// <summary>What silos that are processes show to Prometheus, send to a collector, and say of their health.</summary>
[Collection(ProcessClusterTests.Name)]
public sealed partial class SiloTelemetryTests(ProcessCluster cluster)
{
    private const string Model = "telemetry";

    /// <summary>Between two questions: whoever asks without a pause takes the cores from who is asked.</summary>
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(50);

    private static readonly HttpClient Http = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task What_they_show_has_every_metric_of_the_grafana_dashboard_and_their_steps_are_traces_across_them()
    {
        await using MoECluster client = await cluster.ConnectAsync();
        RunConfiguration run = TrainingRuns.Small;
        MoEModel model = await client.CreateModelAsync(Model, run, null, Cancellation);
        await model.SetDirectorAsync(new DirectorSettings(), Cancellation);
        for (int step = 1; step <= 3; step++)
        {
            await model.TrainStepAsync(TrainingRuns.Batch(run, step), Cancellation);
        }

        try
        {
            await EveryMetricIsThereAsync();
            await EveryStepIsATraceAsync();
            await HealthIsToldAsync();
        }
        finally
        {
            await client.DeleteModelAsync(Model, Cancellation);
        }

        // What gauges said of it has ended with it; an answer is kept for a moment for others who ask.
        await Deadline.UntilAsync(
            async () =>
            {
                await Task.Delay(Pause, Cancellation);
                return !Regex.IsMatch(await MetricsAsync(), $"moe_loss_nat{{.*{Model}");
            },
            "the gauges of a deleted model are gone");
    }

    [Fact]
    public async Task An_endpoint_that_is_no_address_is_refused_by_its_name()
    {
        using SiloProcess lost = MoeProcess.StartSilo(
            cluster.Redis.Address, "lost", new Dictionary<string, string> { ["MOE_SECRET"] = MoeProcess.Secret, ["OTEL_EXPORTER_OTLP_ENDPOINT"] = "collector:4317" });
        Assert.Equal(2, await lost.Process.EndAsync());
        Assert.Contains("OTEL_EXPORTER_OTLP_ENDPOINT is 'collector:4317'; it must be where a collector listens", lost.Process.Output, StringComparison.Ordinal);
    }

    private async Task HealthIsToldAsync()
    {
        JsonElement health = await HealthAsync(cluster.One, "/health");
        Assert.Equal(
            ["moe-communicator", "moe-device", "moe-silo", "moe-snapshots"],
            health.GetProperty("checks").EnumerateObject().Where(check => check.Value.GetProperty("status").GetString() == "healthy").Select(check => check.Name).Order());
        Assert.Equal("cpu", health.GetProperty("device").GetString());
        Assert.StartsWith("127.0.0.1:", health.GetProperty("data_endpoint").GetString(), StringComparison.Ordinal);
        Assert.DoesNotContain("moe-snapshots", (await HealthAsync(cluster.One, "/health/ready")).GetProperty("checks").EnumerateObject().Select(check => check.Name));
    }

    private async Task EveryMetricIsThereAsync()
    {
        string dashboard = await File.ReadAllTextAsync(Path.Combine(AppContext.BaseDirectory, "Docs", "grafana", "moeactors.json"), Cancellation);
        string[] queried = [.. Queries(JsonDocument.Parse(dashboard).RootElement).SelectMany(query => Metric().Matches(query).Select(match => match.Value)).Distinct()];
        Assert.True(queried.Length > 20, $"{queried.Length} metrics");

        // The director sees a step when it has been told of it.
        string[] missing = queried;
        await Deadline.UntilAsync(
            async () =>
            {
                string shown = await MetricsAsync();
                missing = [.. queried.Where(name => !Regex.IsMatch(shown, $@"^{name}(\{{.*\}})? ", RegexOptions.Multiline))];
                await Task.Delay(missing.Length > 0 ? Pause : TimeSpan.Zero, Cancellation);
                return missing.Length == 0;
            },
            $"every metric of the dashboard is shown ({string.Join(", ", queried)})");

        // Numbers, as the run has them.
        string metrics = await MetricsAsync();
        Assert.Equal(3, Sum(metrics, "moe_steps_total", $"model=\"{Model}\""));
        Assert.Equal(3, Sum(metrics, "moe_step_last", $"model=\"{Model}\""));
        Assert.Equal(3, Sum(metrics, "moe_step_duration_seconds_count", $"model=\"{Model}\""));
        double tokens = Enumerable.Range(1, 3).Sum(step => TrainingRuns.Batch(TrainingRuns.Small, step).Sum(part => part.Targets.Count(target => target >= 0)));
        Assert.Equal(tokens, Sum(metrics, "moe_tokens_total", $"model=\"{Model}\""));
        Assert.Equal(
            TrainingRuns.Small.Model.Experts.Sum(), Regex.Count(metrics, $"^moe_expert_tokens_total{{.*model=\"{Model}\".*}} ", RegexOptions.Multiline));
    }

    /// <summary>A step is one trace: its root on the silo of the coordinator, in it the commands of all silos.</summary>
    private async Task EveryStepIsATraceAsync()
    {
        string[] silos = ["one", "two"];
        ReceivedSpan[] spans = [];
        await Deadline.UntilAsync(
            async () =>
            {
                await Task.Delay(Pause, Cancellation);
                spans = [.. cluster.Spans.All.Where(span => span.Tags.GetValueOrDefault("model") == Model)];
                return Enumerable.Range(1, 3).All(step =>
                    Of("moe.step", step).Length == 1 && silos.All(silo => Of("moe.command.Prepare", step).Any(span => span.Instance == silo)));
            },
            "the spans of three steps have come from both silos");
        for (int step = 1; step <= 3; step++)
        {
            ReceivedSpan root = Of("moe.step", step).Single();
            Assert.Equal("", root.Parent);
            Assert.All(Of("moe.command.Prepare", step), span => Assert.Equal(root.Trace, span.Trace));
            Assert.All(Of("moe.step.prepare", step), span => Assert.Equal((root.Trace, root.Span), (span.Trace, span.Parent)));
        }

        Assert.Equal(3, Enumerable.Range(1, 3).Select(step => Of("moe.step", step).Single().Trace).Distinct().Count());
        await Deadline.UntilAsync(
            async () =>
            {
                await Task.Delay(Pause, Cancellation);
                return new[] { "/v1/metrics", "/v1/logs" }.All(path => cluster.Spans.Others.Contains(path));
            },
            "figures and logs have come, too");

        ReceivedSpan[] Of(string name, int step) => [.. spans.Where(span => span.Name == name && span.Tags.GetValueOrDefault("step") == $"{step}")];
    }

    private async Task<string> MetricsAsync() =>
        await Http.GetStringAsync(cluster.One.Health("/metrics"), Cancellation) + await Http.GetStringAsync(cluster.Two.Health("/metrics"), Cancellation);

    private static async Task<JsonElement> HealthAsync(SiloProcess silo, string path) =>
        JsonDocument.Parse(await Http.GetStringAsync(silo.Health(path), Cancellation)).RootElement;

    private static double Sum(string metrics, string name, string label) => Regex.Matches(metrics, $@"^{name}\{{.*{label}.*\}} (\S+)", RegexOptions.Multiline)
        .Sum(match => double.Parse(match.Groups[1].Value, System.Globalization.CultureInfo.InvariantCulture));

    /// <summary>The queries of panels and variables, wherever they stand.</summary>
    private static IEnumerable<string> Queries(JsonElement element) => element.ValueKind switch
    {
        JsonValueKind.Object => element.EnumerateObject().SelectMany(property =>
            property.Name is "expr" or "query" or "definition" && property.Value.ValueKind == JsonValueKind.String ? [property.Value.GetString()!] : Queries(property.Value)),
        JsonValueKind.Array => element.EnumerateArray().SelectMany(Queries),
        _ => [],
    };

    [GeneratedRegex(@"\b(moe|dotnet|orleans)_[a-z0-9_]+")]
    private static partial Regex Metric();
}
