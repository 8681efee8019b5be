using System.Diagnostics;
using System.Globalization;
using System.Reflection;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using MoEActors.Client;
using MoEActors.Grains.Interfaces.Training;
using MoEActors.Grains.Training;
using MoEActors.Silo.Embedded;
using MoEActors.Tests.Client.Data;
using MoEActors.Tests.Support;
using MoEActors.Workers.Commands;
using MoEActors.Workers.Host;

namespace MoEActors.Tests.Telemetry;

/// <summary>What owners of protocols log, trace and measure.</summary>
public sealed class TelemetryTests
{
    private const int Silos = 2;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_life_of_a_model_is_logged_traced_and_measured()
    {
        const string Name = "telemetry";
        using var folder = new TemporaryFolder();
        using var capture = new TelemetryCapture(Name);
        await using EmbeddedCluster cluster = await StartAsync(capture);
        MoEModel model = await cluster.Client.CreateModelAsync(Name, TrainingRuns.Small, null, Cancellation);
        StepOutcome[] steps =
        [
            await model.TrainStepAsync(TrainingRuns.Batch(model.Run, 1), Cancellation), await model.TrainStepAsync(TrainingRuns.Batch(model.Run, 2), Cancellation),
        ];
        TrainingStatus status = await model.GetStatusAsync(Cancellation);
        await model.MoveExpertAsync(0, 0, 1 - status.Map!.RanksOf(0)[0], Cancellation);
        SaveOutcome saved = await model.SaveAsync(Path.Combine(folder.Path, "checkpoint"), cancellationToken: Cancellation);

        // Logs: one story on every silo, with nothing that was given up.
        Assert.DoesNotContain(capture.Events, one => one.Level > LogLevel.Information);
        Assert.Equal(1, Logged(capture, "ModelCreated"));
        Assert.Equal(1, Logged(capture, "ViewOpened"));
        Assert.Equal(2, Logged(capture, "StepCommitted"));
        Assert.Equal(1, Logged(capture, "PlacementChanged"));
        Assert.Equal(1, Logged(capture, "CheckpointWritten"));
        Assert.Equal(Silos, Logged(capture, "TermEntered"));
        Assert.Equal(Silos, Logged(capture, "ViewJoined"));
        Assert.Equal(Silos, Logged(capture, "ViewAdopted"));

        // Spans: the workers' are parts of the coordinator's.
        Assert.Equal(2, Spans(capture, "moe.step").Length);
        Assert.Equal(1L, Assert.Single(Spans(capture, "moe.view.open")).GetTagItem("view"));
        Assert.Single(Spans(capture, "moe.placement.change"));
        Assert.Single(Spans(capture, "moe.checkpoint.save"));
        foreach (string phase in new[] { "prepare", "decide", "commit" })
        {
            Assert.Equal(Spans(capture, "moe.step").Select(step => step.SpanId), Spans(capture, $"moe.step.{phase}").Select(span => span.ParentSpanId));
        }

        foreach ((string command, string parent) in new[]
        {
            ("Prepare", "moe.step.prepare"), ("OpenView", "moe.view.open"), ("PlacementChange", "moe.placement.change"), ("Save", "moe.checkpoint.save"),
        })
        {
            Activity[] parents = Spans(capture, parent);
            Activity[] parts = Spans(capture, $"moe.command.{command}");
            Assert.Equal(Silos * parents.Length, parts.Length);
            Assert.All(parts, part => Assert.Contains(parents, span => span.SpanId == part.ParentSpanId));
        }

        Assert.Equal([1L, 2L], Spans(capture, "moe.step").Select(step => step.GetTagItem("step")));
        Assert.All(capture.Spans, span => Assert.Equal(1L, span.GetTagItem("term")));

        // Figures, as the outcomes have them.
        Assert.Equal(2, capture.Sum("moe.steps"));
        Assert.Equal(steps.Sum(step => step.Tokens), capture.Sum("moe.tokens"));
        Assert.Equal(steps.Sum(step => step.Seconds), capture.Sum("moe.step.duration"), 9);
        Assert.Equal(steps.Sum(step => step.MeanPhases.Total), capture.Sum("moe.step.phase.duration"), 6);
        Assert.Equal(steps.Sum(step => step.DroppedTokens.Sum(layer => layer.Sum())), capture.Sum("moe.tokens.dropped"));
        Assert.Equal((1, 1), (capture.Sum("moe.placement.changes"), capture.Sum("moe.placement.shards.moved")));
        Assert.Equal((1, 0), (capture.Sum("moe.views.opened"), capture.Sum("moe.steps.aborted")));
        Assert.Equal((1, saved.Bytes), (capture.Count("moe.checkpoint.duration"), capture.Sum("moe.checkpoint.size")));
        Assert.Equal(Silos * 2, capture.Measurements.Count(one => one.Instrument.Name == "moe.worker.command.duration" && "Prepare".Equals(one.Tags["command"])));
        Assert.Equal(0, capture.Count("moe.worker.failures"));
        string documentation = Documentation();
        Assert.All(capture.Measurements.Select(one => one.Instrument.Name).Distinct(), name => Assert.Contains($"`{name}`", documentation, StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_command_of_another_term_is_refused_and_the_host_says_so()
    {
        const string Name = "telemetry-stale";
        using var capture = new TelemetryCapture(Name);
        await using EmbeddedCluster cluster = await StartAsync(capture);
        await cluster.Client.CreateModelAsync(Name, TrainingRuns.Small, null, Cancellation);
        WorkerHost host = cluster.Silos.Silos[0].Services.GetRequiredService<WorkerHost>();
        Assert.Throws<CommandRefusedException>(() => host.Submit(new CommandHeader(Name, Term: 0, View: 1, Number: 99), new FingerprintCommand()));
        (_, LogLevel level, _, string message) = capture.Events.Single(one => one.Id.Name == "CommandRefused");
        Assert.Equal(LogLevel.Warning, level);
        Assert.Contains("Fingerprint 99", message, StringComparison.Ordinal);
        Assert.Equal(1, capture.Sum("moe.worker.refusals"));
    }

    [Fact]
    public void Every_event_has_an_id_of_its_own_and_is_documented()
    {
        (string Name, LoggerMessageAttribute Event)[] events =
        [
            .. from assembly in new[] { typeof(TrainingGrain).Assembly, typeof(WorkerHost).Assembly }
               from type in assembly.GetTypes()
               from method in type.GetMethods(BindingFlags.Static | BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic)
               from attribute in method.GetCustomAttributes<LoggerMessageAttribute>()
               select (method.Name, attribute),
        ];
        Assert.NotEmpty(events);
        Assert.All(events, one => Assert.True(one.Event.EventId > 0, $"{one.Name} has no event id."));
        Assert.Equal(events.Length, events.Select(one => one.Event.EventId).Distinct().Count());
        Assert.All(events, one => Assert.Contains("{Model}", one.Event.Message, StringComparison.Ordinal));
        string documentation = Documentation();
        Assert.All(events, one => Assert.Contains(
            string.Create(CultureInfo.InvariantCulture, $"| {one.Event.EventId} | {one.Name} | {one.Event.Level} |"), documentation, StringComparison.Ordinal));
    }

    private static Task<EmbeddedCluster> StartAsync(TelemetryCapture capture) => EmbeddedCluster.StartAsync(
        new EmbeddedClusterOptions
        {
            Silos = Silos,
            ThreadsPerWorker = 1,
            Configure = (_, silo) => silo.Services.AddLogging(logging => logging.AddProvider(capture).AddFilter("MoEActors", LogLevel.Debug)),
        },
        Cancellation);

    private static int Logged(TelemetryCapture capture, string name) => capture.Events.Count(one => one.Id.Name == name);

    private static Activity[] Spans(TelemetryCapture capture, string name) =>
        [.. capture.Spans.Where(span => span.OperationName == name).OrderBy(span => span.StartTimeUtc)];

    private static string Documentation() => File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "Docs", "telemetry.md"));
}
