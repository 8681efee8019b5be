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

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task It_shows_the_load_of_the_cluster_and_forgets_a_model_that_is_deleted()
    {
        var home = new Uri($"{(await cluster.Two.Process.SaysAsync("serves the dashboard: (http://[0-9.]+:[0-9]+)")).Groups[1].Value}/");
        await using MoECluster client = await cluster.ConnectAsync();
        const string Name = "on-the-page";
        await using WatchedPage page = await browser.OpenAsync();
        await page.GoAsync(home, $"#model={Name}&layer=2");
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
        await page.SeesAsync($"#load-table tbody tr:nth-child({to + 1})", "0: ", TimeSpan.FromSeconds(2));
        await page.SeesAsync("#silos tbody", "one");
        await page.SeesAsync("#silos tbody", "two");
        await client.DeleteModelAsync(Name, Cancellation);
        await Deadline.UntilAsync(async () => await page.Page.EvaluateAsync<string>("document.getElementById('model').value") != Name, "the model is not shown any more");
        Assert.Empty(page.Problems);
    }
}
