using System.Globalization;
using Deque.AxeCore.Commons;
using Deque.AxeCore.Playwright;
using Microsoft.Playwright;
using MoEActors.Client;
using MoEActors.Dashboard.Boards;
using MoEActors.Grains.Interfaces.Director;
using MoEActors.Grains.Interfaces.Training;
using MoEActors.Modules.Models;
using MoEActors.Tests.Support;

namespace MoEActors.Tests.Dashboard;

/// <summary>The page in a browser: what it shows is what the cluster does.</summary>
public sealed class PageTests(Browser browser)
{
    private static readonly RunConfiguration Run = TrainingRuns.Small;

    /// <summary>How long it may take until something that has happened is on the page.</summary>
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(2);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task It_shows_the_load_that_the_gates_report_a_move_and_a_lost_silo()
    {
        await using TrainingCluster cluster = await TrainingCluster.RentAsync(3);
        await cluster.ClearAsync();
        string name = cluster["seen"];
        MoEModel model = await cluster.Client.CreateModelAsync(name, Run, null, Cancellation);
        await using DashboardHost host = await DashboardHost.StartAsync(cluster.Client);
        await using WatchedPage page = await browser.OpenAsync();
        await page.GoAsync(host.Address, $"#model={name}&layer=2");
        List<StepOutcome> steps = [];
        await foreach (StepOutcome step in model.TrainAsync(TrainingRuns.Batches(Run, 10), Cancellation))
        {
            steps.Add(step);
        }

        await page.SeesAsync("#load-caption", "layer 2, steps 3 to 10");
        await page.Page.ClickAsync("#as-table");
        TrainingStatus status = await model.GetStatusAsync(Cancellation);
        for (int expert = 0; expert < 7; expert++)
        {
            string tokens = steps[^8..].Sum(step => step.KeptTokens[2][expert]).ToString("N0", CultureInfo.InvariantCulture);
            await page.SeesAsync($"#load-table tbody tr:nth-child({status.Map!.RanksOf(2)[expert] + 1})", $"{expert}: {tokens}");
        }

        await page.SeesAsync("#figures", steps[^1].CrossEntropy.ToString("0.000", CultureInfo.InvariantCulture));
        await page.SeesAsync("#silos tbody tr:nth-child(3)", "training");

        // A move.
        int to = (status.Map!.RanksOf(2)[0] + 1) % 3;
        await model.MoveExpertAsync(2, 0, to, Cancellation);
        await page.SeesAsync($"#load-table tbody tr:nth-child({to + 1})", "0: ", Soon);
        await page.SeesAsync("#notes li:first-child", "1 shard moved", Soon);
        await page.Page.ClickAsync("#as-table");
        await page.Page.FocusAsync("#map");
        for (int press = 0; press < to; press++)
        {
            await page.Page.Keyboard.PressAsync("ArrowDown");
        }

        await page.Page.Keyboard.PressAsync("Home");
        while (!(await page.Page.InnerTextAsync("#cell")).Contains("Expert 0 ", StringComparison.Ordinal))
        {
            await page.Page.Keyboard.PressAsync("ArrowRight");
        }

        await page.SeesAsync("#cell", $"Expert 0 on silo-{to}");
        await page.SeesAsync("#cell", "Came from silo-");

        // A silo that is killed, and what comes of it.
        await cluster.KillAsync(cluster.Silos.Silos[2]);
        await page.SeesAsync("#silos tbody", "lost", Soon);
        await model.TrainStepAsync(TrainingRuns.Batch(Run, 11), Cancellation);
        await page.SeesAsync("#notes", "A silo was lost at step 10");
        await page.SeesAsync("#figures", "11");
        Assert.Empty(page.Problems);
    }

    [Fact]
    public async Task Whoever_brings_the_token_changes_things_and_nobody_else_sees_a_button()
    {
        const string Token = "a-token-that-nobody-guesses";
        await using TrainingCluster cluster = await TrainingCluster.RentAsync(2);
        await cluster.ClearAsync();
        string name = cluster["changed"];
        MoEModel model = await cluster.Client.CreateModelAsync(name, Run, null, Cancellation);
        await model.SetDirectorAsync(new DirectorSettings { Policy = "static" }, Cancellation);
        await using DashboardHost host = await DashboardHost.StartAsync(cluster.Client, options => options.ControlToken = Token);
        await using WatchedPage page = await browser.OpenAsync();
        await page.GoAsync(host.Address, $"#model={name}&layer=2");
        await page.SeesAsync("#director-caption", "static, plans every");
        Assert.False(await page.Page.IsVisibleAsync("#move-expert"));

        await page.Page.ClickAsync("#control");
        await page.Page.FillAsync("dialog [name=name]", "Ada");
        await page.Page.FillAsync("dialog [name=token]", "not the one");
        await page.Page.Keyboard.PressAsync("Enter");
        await page.SeesAsync("dialog .problem", "That is not the control token.");
        Assert.Equal(2, page.Problems.Length);
        await page.Page.FillAsync("dialog [name=token]", Token);
        await page.Page.Keyboard.PressAsync("Enter");
        await page.SeesAsync("#told", "Ada is in control.");
        AxeResult axe = await page.Page.RunAxe();
        Assert.Empty(Serious(axe));

        // A move, from the cell that is chosen.
        TrainingStatus status = await model.GetStatusAsync(Cancellation);
        int from = status.Map!.RanksOf(2)[6];
        await page.Page.ClickAsync("#move-expert");
        await page.Page.FillAsync("dialog [name=expert]", "6");
        await page.Page.SelectOptionAsync("dialog [name=rank]", $"{1 - from}");
        await page.SeesAsync("dialog .says", $"Expert 6 goes from silo-{from} to silo-{1 - from}");
        Assert.Empty(Serious(await page.Page.RunAxe()));
        await page.Page.ClickAsync("dialog .primary");
        await page.SeesAsync("#told", $"Expert 6 of layer 2 of {name} is on rank {1 - from}");
        Assert.Equal(1 - from, (await model.GetStatusAsync(Cancellation)).Map!.RanksOf(2)[6]);
        await page.SeesAsync("#notes", "Ada, at 127.0.0.1: Expert 6 of layer 2", Soon);

        // What is refused says why, and nothing has changed.
        await page.Page.ClickAsync("#change-gate");
        await page.Page.FillAsync("dialog [name=topK]", "50");
        await page.Page.ClickAsync("dialog .primary");
        await page.SeesAsync("dialog .problem", "The gate of layer 2 cannot be configured so");
        await page.Page.Keyboard.PressAsync("Escape");
        Assert.Equal(0, await page.Page.Locator("dialog").CountAsync());
        Assert.Empty((await model.GetStatusAsync(Cancellation)).Gates);

        await page.Page.ClickAsync("#pause-director");
        await page.Page.ClickAsync("dialog .primary");
        await page.SeesAsync("#director-caption", "paused; static", Soon);
        await page.SeesAsync("#pause-director", "Resume");
        await page.Page.ClickAsync("#drain-silo");
        await page.Page.SelectOptionAsync("dialog [name=silo]", "silo-1");
        await page.Page.ClickAsync("dialog .primary");
        await page.SeesAsync("#told", "Silo silo-1 has no expert any more");
        await page.SeesAsync("#silos tbody tr:nth-child(2)", "drained", Soon);
        await page.Page.ClickAsync("#drain-silo");
        await page.Page.SelectOptionAsync("dialog [name=silo]", "silo-1");
        await page.SeesAsync("dialog .says", "use silo-1 again");
        await page.Page.ClickAsync("dialog .primary");
        await page.SeesAsync("#told", "takes part in");
        Assert.False((await page.Page.ContentAsync()).Contains(Token, StringComparison.Ordinal));
        Assert.Equal(4, page.Problems.Length);
    }

    [Fact]
    public async Task It_says_what_travels_in_layers_when_a_decision_was_in_force_and_since_when_a_silo_is_lost()
    {
        await using DashboardHost host = await DashboardHost.StartAsync(cluster: null);
        StagedBoard.Fill(host.Board, "m", workers: 3, experts: 9, rank => $"silo-{rank}");
        var gone = new SiloPicture("silo-9", "10.0.0.9:11111@1", SiloState.Dead, default, new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero), WasLeaving: false);
        host.Board.Cluster.Put(new ClusterPicture([gone], Problem: null));
        await using WatchedPage page = await browser.OpenAsync();
        await page.GoAsync(host.Address);
        await page.SeesAsync("#load-caption", "layer 0, steps 93 to 100; rows travel");
        await page.SeesAsync("#layers button:nth-child(2)", "1 extra replica, experts travel: 12 copies");
        await page.SeesAsync("#layers button:nth-child(3)", "copies where faster: 24 copies");
        await page.SeesAsync("#silos tbody", "since 03:04:05");

        // Predicted and measured seconds are each beside their like.
        await page.SeesAsync("#decisions", "Decided after step 80, in force after step 82.");
        Assert.Equal(
            ["layer 0", "before", "predicted", "measured", "balance", "1.40", "1.10", "1.12", "time, by the model", "10.0 ms", "8.00 ms", "", "time, measured", "10.0 ms", "", "9.00 ms"],
            await page.Page.Locator("#decisions .effect span").AllTextContentsAsync());
        await page.SeesAsync("#decisions", "Expert 0: silo-0 → silo-1");
        Assert.Empty(page.Problems);
    }

    [Fact]
    public async Task Names_are_text_whatever_they_are()
    {
        const string Hostile = "<script>document.title='taken'</script>", Image = "<img src=x onerror=\"document.title='taken'\">";
        await using DashboardHost host = await DashboardHost.StartAsync(cluster: null);
        StagedBoard.Fill(host.Board, Hostile, workers: 3, experts: 9, rank => rank == 0 ? Image : $"silo-{rank}");
        await using WatchedPage page = await browser.OpenAsync();
        await page.GoAsync(host.Address);
        await page.SeesAsync("#model", Hostile);
        await page.SeesAsync("#silos tbody tr:first-child th", Image);
        await page.SeesAsync("#notes", $"Silo {Image} does not answer.");
        Assert.Equal(2, await page.Page.Locator("script").CountAsync());
        Assert.Equal(0, await page.Page.Locator("img").CountAsync());
        Assert.Equal($"{Hostile} – MoEActors", await page.Page.TitleAsync());
        Assert.Empty(page.Problems);
    }

    [Theory]
    [InlineData(1440, ColorScheme.Light)]
    [InlineData(1440, ColorScheme.Dark)]
    [InlineData(360, ColorScheme.Light)]
    [InlineData(360, ColorScheme.Dark)]
    public async Task It_fits_every_screen_and_everybody_can_use_it(int width, ColorScheme scheme)
    {
        await using DashboardHost host = await DashboardHost.StartAsync(cluster: null);
        StagedBoard.Fill(host.Board, "m", workers: 4, experts: 16, rank => $"silo-{rank}");
        await using WatchedPage page = await browser.OpenAsync(width, scheme: scheme);
        await page.GoAsync(host.Address);
        await page.SeesAsync("#silos tbody", "draining");
        await page.SeesAsync("#figures", "2.000");
        Assert.InRange(await page.Page.EvaluateAsync<int>("document.documentElement.scrollWidth"), 1, width);
        string background = await page.Page.EvaluateAsync<string>("getComputedStyle(document.body).backgroundColor");
        Assert.Equal(scheme == ColorScheme.Dark, int.Parse(background.Split('(', ',')[1], CultureInfo.InvariantCulture) < 128);
        AxeResult axe = await page.Page.RunAxe();
        Assert.Empty(Serious(axe));

        // Everything that can be pressed can be reached by the keyboard alone, and the layer is chosen by arrows.
        await page.Page.FocusAsync("#layers [aria-checked=true]");
        await page.Page.Keyboard.PressAsync("ArrowDown");
        await page.SeesAsync("#load-caption", "layer 1,");
        Assert.Empty(page.Problems);
    }

    /// <summary>What axe finds that keeps somebody from using the page.</summary>
    private static IEnumerable<string> Serious(AxeResult axe) => axe.Violations.Where(one => one.Impact is "serious" or "critical")
        .Select(one => $"{one.Id}: {one.Help} {string.Join(" ", one.Nodes.Select(node => node.Html))}");

    [Fact]
    public async Task Two_thousand_experts_on_64_workers_do_not_stutter()
    {
        const int Workers = 64, Experts = 2000;
        await using DashboardHost host = await DashboardHost.StartAsync(cluster: null);
        ModelBoard model = StagedBoard.Fill(host.Board, "large", Workers, Experts, rank => $"silo-{rank:00}");
        await using WatchedPage page = await browser.OpenAsync();
        await page.GoAsync(host.Address);
        await page.SeesAsync("#load-caption", "steps 93 to 100");

        // Steps come, as they would, and between them whatever the browser draws: how long it takes from one frame to the next.
        await page.Page.EvaluateAsync(
            """
            () => {
              window.frames_ = [];
              let last = performance.now();
              const tick = (now) => {
                window.frames_.push(now - last);
                last = now;
                requestAnimationFrame(tick);
              };
              requestAnimationFrame(tick);
            }
            """);
        for (int step = 101; step <= 112; step++)
        {
            StagedBoard.Put(model, 0, Workers, Experts, step);
            await page.SeesAsync("#load-caption", $"steps {step - 7} to {step}");
        }

        double[] frames = [.. (await page.Page.EvaluateAsync<double[]>("window.frames_")).Order()];
        double painted = await page.Page.EvaluateAsync<double>("performance.getEntriesByName('first-contentful-paint')[0].startTime");

        // The picture anew, as often as messages come in five seconds: the median of what one takes, drawn by the processor and read back.
        double median = await page.Page.EvaluateAsync<double>(
            """
            async () => {
              const { HeatMap } = await import("./heatmap.js");
              const { State } = await import("./state.js");
              const answers = await Promise.all(["", "/workers", "/layers", "/layers/0/placement", "/layers/0/load"].map((path) => fetch(`api/models/large${path}`).then((answer) => answer.json())));
              const [status, workers, layers, placement, load] = answers;
              const state = new State();
              state.take(true, { status, workers, layers, placement, load });
              const canvas = document.createElement("canvas");
              canvas.style.width = "1000px";
              canvas.getContext("2d", { willReadFrequently: true });
              document.body.append(canvas);
              const map = new HeatMap(canvas, document.createElement("p"), state);
              const times = [];
              for (let i = 0; i < 20; i++) {
                const begun = performance.now();
                map.update();
                canvas.getContext("2d").getImageData(0, 0, 1, 1);
                times.push(performance.now() - begun);
              }
              if (map.cells.length !== 2001) throw new Error(`${map.cells.length} cells`);
              canvas.remove();
              return times.sort((a, b) => a - b)[10];
            }
            """);
        TestContext.Current.SendDiagnosticMessage(
            $"The map of {Experts} experts is drawn in {median:0.0} ms; {frames.Length} frames while 12 steps came: median {frames[frames.Length / 2]:0.0} ms, 95 of 100 below {frames[frames.Length * 95 / 100]:0.0} ms, longest {frames[^1]:0.0} ms; first paint after {painted:0} ms.");
        Assert.InRange(median, 0, 100);
        Assert.Empty(page.Problems);
    }
}
