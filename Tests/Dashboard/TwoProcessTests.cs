using System.Diagnostics;
using System.Globalization;
using MoEActors.Client;
using MoEActors.Grains.Interfaces.Training;
using MoEActors.Modules.Models;
using MoEActors.Tests.Processes;
using MoEActors.Tests.Support;

namespace MoEActors.Tests.Dashboard;

/// <summary>The page of a silo that is a process, one of two.</summary>
[Collection(ProcessClusterTests.Name)]
public sealed class TwoProcessTests(ProcessCluster cluster, Browser browser)
{
    private static readonly RunConfiguration Run = TrainingRuns.Small;

    /// <summary>From what happens to what is on the page. Of a process that is killed its sockets tell; then two probes, half a second apart, and a line of the store are waited for.</summary>
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(2);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task It_shows_the_load_of_the_cluster_and_forgets_a_model_that_is_deleted()
    {
        await using MoECluster client = await cluster.ConnectAsync();
        const string Name = "on-the-page";
        await using WatchedPage page = await browser.OpenAsync();
        await page.GoAsync(cluster.Dashboard, $"#model={Name}&layer=2");
        MoEModel model = await client.CreateModelAsync(Name, Run, null, Cancellation);
        List<StepOutcome> steps = [];
        await foreach (StepOutcome step in model.TrainAsync(TrainingRuns.Batches(Run, 9), Cancellation))
        {
            steps.Add(step);
        }

        await page.SeesAsync("#load-caption", "layer 2, steps 2 to 9");
        await page.Page.ClickAsync("#as-table");
        TrainingStatus status = await model.GetStatusAsync(Cancellation);
        for (int expert = 0; expert < 7; expert++)
        {
            int rank = status.Map!.RanksOf(2)[expert];
            string tokens = steps[^8..].Sum(step => step.KeptTokens[2][expert]).ToString("N0", CultureInfo.InvariantCulture);
            await page.SeesAsync($"#load-table tbody tr:nth-child({rank + 1})", $"{expert}: {tokens}");
            await page.SeesAsync($"#load-table tbody tr:nth-child({rank + 1}) th", status.SiloNames[rank]);
        }

        // A move, which is there at once.
        int to = 1 - status.Map!.RanksOf(2)[0];
        await model.MoveExpertAsync(2, 0, to, Cancellation);
        await page.SeesAsync($"#load-table tbody tr:nth-child({to + 1})", "0: ", Soon);
        await page.SeesAsync("#silos tbody", "one");
        await page.SeesAsync("#silos tbody", "two");
        await client.DeleteModelAsync(Name, Cancellation);
        await Deadline.UntilAsync(async () => await page.Page.EvaluateAsync<string>("document.getElementById('model').value") != Name, "the model is not shown any more");
        Assert.Empty(page.Problems);
    }

    [Fact]
    public async Task A_silo_whose_process_is_killed_in_the_midst_of_steps_is_lost_on_the_page_within_two_seconds()
    {
        await using MoECluster client = await cluster.ConnectAsync();
        using SiloProcess three = await MoeProcess.StartSilo(cluster.Redis.Address, "three").IsActiveAsync();
        const string Name = "loses-one";
        MoEModel model = await client.CreateModelAsync(Name, Run, null, Cancellation);
        Assert.Equal(["one", "three", "two"], (await model.GetStatusAsync(Cancellation)).SiloNames.Order());

        // The page of a silo, and what a host that is only a client knows, as moe cluster has it: it has to ask.
        await using DashboardHost elsewhere = await DashboardHost.StartAsync(client);
        await using WatchedPage page = await browser.OpenAsync();
        await page.GoAsync(cluster.Dashboard, $"#model={Name}");
        const string Row = "#silos tbody tr:has(th:text-is('three'))";
        var trained = new TaskCompletionSource();
        Task training = TrainAsync();
        await Deadline.WithinAsync(trained.Task, "steps are learnt");
        await page.SeesAsync(Row, "training");
        three.Process.Signal("KILL");
        long killed = Stopwatch.GetTimestamp();
        Task<TimeSpan> asked = LostElsewhereAsync();
        await page.SeesAsync(Row, "lost");
        TimeSpan seen = Stopwatch.GetElapsedTime(killed), answered = await asked;
        string times = $"The silo that was killed was lost on the page after {seen.TotalSeconds:0.00} s, and to a client after {answered.TotalSeconds:0.00} s.";
        TestContext.Current.SendDiagnosticMessage(times);
        Assert.True(seen < Soon && answered < Soon, times);
        await page.SeesAsync("#notes", "A silo was lost at step");
        await training;
        await client.DeleteModelAsync(Name, Cancellation);
        Assert.Empty(page.Problems);

        async Task<TimeSpan> LostElsewhereAsync()
        {
            await elsewhere.AskUntilAsync(
                "cluster", now => now.GetProperty("silos").EnumerateArray().Any(silo => silo.GetProperty("name").GetString() == "three" && silo.GetProperty("state").GetString() == "dead"),
                "a client knows that it is dead");
            return Stopwatch.GetElapsedTime(killed);
        }

        async Task TrainAsync()
        {
            await foreach (StepOutcome step in model.TrainAsync(TrainingRuns.Batches(Run, 400), Cancellation))
            {
                if (step.Step == 20)
                {
                    trained.SetResult();
                }
            }
        }
    }
}
