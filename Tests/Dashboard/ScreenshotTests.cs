using System.Runtime.CompilerServices;
using Microsoft.Playwright;
using MoEActors.Cli.Commands;
using MoEActors.Client;
using MoEActors.Client.Data;
using MoEActors.Grains.Interfaces.Director;
using MoEActors.Grains.Interfaces.Training;
using MoEActors.Modules.Models;
using MoEActors.Tests.Support;

namespace MoEActors.Tests.Dashboard;

/// <summary>The pictures in docs/images, of a run like the demo's. They differ from run to run, so they are made when somebody asks.</summary>
public sealed class ScreenshotTests(Browser browser)
{
    /// <summary>Set it to 1 and run this class to make the pictures anew.</summary>
    private const string Make = "MOE_SCREENSHOTS";

    private const int Before = 150, After = 25;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Pictures_of_a_run_are_taken()
    {
        Assert.SkipUnless(Environment.GetEnvironmentVariable(Make) == "1", $"Pictures are made anew with {Make}=1.");
        await using TrainingCluster cluster = await TrainingCluster.RentAsync(4);
        RunConfiguration run = DemoModel.Run(seed: 1);
        MoEModel model = await cluster.Client.CreateModelAsync("demo", run with { Optimizer = run.Optimizer.OfSteps(400) }, null, Cancellation);
        await model.SetDirectorAsync(new DirectorSettings(), Cancellation);
        var windows = ByteCorpus.Divide(DotNetDocumentation.Read()).TrainingWindows(seed: 1, length: run.Model.MaximumSequence);
        await using DashboardHost host = await DashboardHost.StartAsync(cluster.Client);
        await using WatchedPage light = await browser.OpenAsync(1440, 1120), dark = await browser.OpenAsync(1440, 1120, ColorScheme.Dark), phone = await browser.OpenAsync(390, 844);
        foreach (WatchedPage page in new[] { light, dark, phone })
        {
            await page.GoAsync(host.Address, "#model=demo&layer=2");
        }

        await TrainAsync(Before);
        foreach (WatchedPage page in new[] { light, dark, phone })
        {
            await page.SeesAsync("#load-caption", $"to {Before}");
        }

        // A move, which is seen for a while.
        int[][] ranks = (await model.GetStatusAsync(Cancellation)).Map!.Ranks()[2];
        int expert = Array.FindIndex(ranks, of => of.Length == 1);
        await model.MoveExpertAsync(2, expert, (ranks[expert][0] + 1) % 4, Cancellation);
        foreach (WatchedPage page in new[] { light, dark, phone })
        {
            await page.SeesAsync("#notes li:first-child", $"1 shard moved at step {Before}");
        }

        await TakeAsync(light, "dashboard-light");
        await TakeAsync(dark, "dashboard-dark");
        await TakeAsync(phone, "dashboard-phone");
        await cluster.KillAsync(cluster.Silos.Silos[3]);
        await TrainAsync(After);
        await light.SeesAsync("#load-caption", $"to {Before + After}");
        await light.SeesAsync("#silos tbody", "lost");
        await TakeAsync(light, "dashboard-lost-silo", fullPage: true);

        async Task TrainAsync(int steps)
        {
            IEnumerable<IReadOnlyList<MicroBatch>> batches = Enumerable.Sequence(model.Step + 1, model.Step + steps, 1)
                .Select(step => ByteBatches.OfStep(windows, step, run.MicroBatches, DemoModel.Sequences));
            await foreach (StepOutcome _ in model.TrainAsync(batches, Cancellation))
            {
            }
        }
    }

    [Fact]
    public async Task A_picture_of_control_is_taken()
    {
        Assert.SkipUnless(Environment.GetEnvironmentVariable(Make) == "1", $"Pictures are made anew with {Make}=1.");
        const string Token = "a-token-that-nobody-guesses";
        await using DashboardHost host = await DashboardHost.StartAsync(cluster: null, options => options.ControlToken = Token);
        StagedBoard.Fill(host.Board, "demo", workers: 8, experts: 64, rank => $"silo-{rank}");
        await using WatchedPage page = await browser.OpenAsync(1440, 900);
        await page.GoAsync(host.Address);
        await page.SeesAsync("#load-caption", "steps 93 to 100");
        await page.Page.ClickAsync("#control");
        await page.Page.FillAsync("dialog [name=name]", "Ada");
        await page.Page.FillAsync("dialog [name=token]", Token);
        await page.Page.Keyboard.PressAsync("Enter");
        await page.SeesAsync("#control", "Ada is in control");
        await page.Page.Locator("#told.shown").WaitForAsync(new LocatorWaitForOptions { State = WaitForSelectorState.Detached });
        await page.Page.ClickAsync("#change-gate");
        await TakeAsync(page, "dashboard-control");
    }

    private static async Task TakeAsync(WatchedPage page, string name, bool fullPage = false) => await page.Page.ScreenshotAsync(new PageScreenshotOptions
    {
        Path = Path.Combine(Images(), $"{name}.png"),
        FullPage = fullPage,
        Animations = ScreenshotAnimations.Disabled,
    });

    private static string Images([CallerFilePath] string here = "") => Path.GetFullPath(Path.Combine(Path.GetDirectoryName(here)!, "..", "..", "docs", "images"));
}
