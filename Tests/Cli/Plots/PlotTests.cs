using System.Globalization;
using System.Xml.Linq;
using MoEActors.Cli.Invocation;
using MoEActors.Cli.Plots;
using MoEActors.Client.History;
using MoEActors.Client.History.TensorBoard;
using MoEActors.Tests.Cli.Runs;
using MoEActors.Tests.Client.History;

namespace MoEActors.Tests.Cli.Plots;

/// <summary>`moe plot`, and the records that it draws.</summary>
public sealed class PlotTests : IDisposable
{
    private static readonly XNamespace Svg = "http://www.w3.org/2000/svg";

    private readonly RunsFolder _runs = new();

    public void Dispose() => _runs.Dispose();

    [Fact]
    public async Task A_run_leaves_records_that_agree_and_a_picture_of_it_can_be_drawn()
    {
        Assert.Equal(ExitCode.Done, (await CommandLineRun.Of(_runs.Train("one", "--steps 12 --eval-every 6"))).ExitCode);
        Assert.Equal(ExitCode.Done, (await CommandLineRun.Of(_runs.Resume("one", "--steps 14"))).ExitCode);
        string folder = _runs.Folder("one").Path;

        // The event files have what the history has: one for each time that the run went on.
        RunEvent[] history = [.. RunHistory.Read(_runs.Folder("one").HistoryFile)];
        string[] files = [.. EventFileWriter.Find(folder).Order(StringComparer.Ordinal)];
        Assert.Equal(2, files.Length);
        ReadEvent[] read = [.. files.SelectMany(EventFileReader.Read)];
        Assert.Equal([1L, 13], read.Where(one => one.IsStart).Select(one => one.Step));
        Assert.Equal(
            history.OfType<StepEvent>().Select(step => (step.Step, (float)step.CrossEntropy)),
            read.Where(one => one.Numbers.ContainsKey("loss/cross_entropy")).Select(one => (one.Step, one.Numbers["loss/cross_entropy"])));
        Assert.Equal(
            history.OfType<EvaluationEvent>().Select(one => (one.Step, (float)one.Loss)),
            read.Where(one => one.Numbers.ContainsKey("loss/validation")).Select(one => (one.Step, one.Numbers["loss/validation"])));
        LoadEvent[] loads = [.. history.OfType<LoadEvent>()];
        Assert.Equal([(1L, 10L), (11L, 12L), (13L, 14L)], loads.Select(load => (load.FirstStep, load.Step)));
        Assert.All(loads, load => Assert.Equal((load.Step - load.FirstStep + 1) * 4 * 16 * 2, load.Tokens[0].Sum()));
        Assert.Equal(loads.Select(load => load.Step), read.Where(one => one.Histograms.ContainsKey("load/layer_1")).Select(one => one.Step));

        string file = Path.Combine(_runs.Path, "one.svg");
        CommandLineRun plot = await CommandLineRun.Of("plot", "one", "--runs", _runs.Path, "--out", file);
        Assert.Equal((ExitCode.Done, $"{file}: one, 14 steps", ""), (plot.ExitCode, plot.Output.TrimEnd(), plot.Error));
        Assert.Equal(["Loss", "Throughput", "Balance of the workers", "Load of the experts"], Titles(XDocument.Load(file)));

        // Another run in its place takes its records away; deleting it leaves nothing.
        Assert.Equal(ExitCode.Done, (await CommandLineRun.Of(_runs.Train("one", "--steps 1 --overwrite"))).ExitCode);
        Assert.Equal([1L], EventFileReader.Read(Assert.Single(EventFileWriter.Find(folder))).Where(one => one.Numbers.ContainsKey("loss/total")).Select(one => one.Step));
        Assert.Equal(ExitCode.Done, (await CommandLineRun.Of("runs", "delete", "one", "--runs", _runs.Path)).ExitCode);
        Assert.False(Directory.Exists(folder));
    }

    [Fact]
    public async Task Several_runs_are_on_one_page_whatever_their_names_are()
    {
        const string Script = "<script>alert(1)<script>";
        await WriteAsync("one", 900);
        await WriteAsync(Script, 40);
        string file = Path.Combine(_runs.Path, "both.html");
        Assert.Equal(ExitCode.Done, (await CommandLineRun.Of("plot", "one", Script, "--runs", _runs.Path, "--out", file)).ExitCode);
        string page = await File.ReadAllTextAsync(file, TestContext.Current.CancellationToken);
        Assert.DoesNotContain("<script", page, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("<th scope=\"row\">&lt;script&gt;alert(1)&lt;script&gt;</th><td>40</td>", page, StringComparison.Ordinal);
        Assert.DoesNotMatch("(src|href)=", page);

        // The lines of both, and a legend with their names.
        XDocument svg = XDocument.Parse(page[page.IndexOf("<svg", StringComparison.Ordinal)..(page.LastIndexOf("</svg>", StringComparison.Ordinal) + 6)]);
        string[] texts = [.. svg.Descendants(Svg + "text").Select(text => text.Value)];
        Assert.Contains("one", texts);
        Assert.Contains(Script, texts);
        int points = svg.Descendants(Svg + "polyline").Max(line => ((string)line.Attribute("points")!).Split(' ', StringSplitOptions.RemoveEmptyEntries).Length);
        Assert.InRange(points, 300, 401);
    }

    [Fact]
    public void Points_are_means_of_neighbouring_steps_and_loads_are_summed_up_over_layers()
    {
        var curves = RunCurves.Of("x", Enumerable.Range(1, 800).Select(step => HistoryTests.Step(step) with { CrossEntropy = step }));
        Assert.Equal((400, 2L, 1.5), (curves.Steps.Count, curves.Steps[0].Last, curves.Steps[0].Loss));
        var point = LoadPoint.Of(new LoadEvent { Step = 9, FirstStep = 1, Tokens = [[1, 1, 2, 4], [], [3, 3, 3, 3]], DeadExperts = [0, 0, 1] });
        Assert.Equal(new LoadPoint(9, 2, (1, 1, 1), 1), point);
        Assert.Equal(double.NaN, LoadPoint.Of(new LoadEvent { Step = 9, FirstStep = 1, Tokens = [[0, 0]], DeadExperts = [2] }).Busiest);
    }

    [Fact]
    public async Task What_cannot_be_drawn_or_written_is_refused()
    {
        await WriteAsync("one", 3);
        Directory.CreateDirectory(_runs.Folder("empty").Path);
        await Refused(ExitCode.WrongUsage, "one.png must end in .svg or .html.", "one", "--out", "one.png");
        await Refused(ExitCode.WrongUsage, "is no file that can be written: there is no folder", "one", "--out", Path.Combine(_runs.Path, "nowhere", "one.svg"));
        await Refused(ExitCode.WrongUsage, "RUN '../one' is no name of a folder below runs/.", "../one", "--out", Path.Combine(_runs.Path, "one.svg"));
        await Refused(ExitCode.WrongUsage, "--out", "one");
        await Refused(ExitCode.Failed, "There is no run 'ones' in ", "ones", "--out", Path.Combine(_runs.Path, "one.svg"));
        await Refused(ExitCode.Failed, "The run 'empty' has no history", "one", "empty", "--out", Path.Combine(_runs.Path, "one.svg"));
        await WriteAsync("idle", 0);
        await Refused(ExitCode.Failed, "The run 'idle' has no step yet that could be drawn", "idle", "--out", Path.Combine(_runs.Path, "one.svg"));
        Assert.False(File.Exists(Path.Combine(_runs.Path, "one.svg")));

        async Task Refused(int code, string why, params string[] arguments)
        {
            CommandLineRun run = await CommandLineRun.Of(["plot", .. arguments, "--runs", _runs.Path]);
            Assert.Equal((code, ""), (run.ExitCode, run.Output));
            Assert.Contains(why, run.Error, StringComparison.Ordinal);
        }
    }

    private static IEnumerable<string> Titles(XDocument picture) => picture.Root!.Elements(Svg + "svg")
        .Select(chart => chart.Descendants(Svg + "text").MaxBy(text => Size((string?)text.Attribute("style") + (string?)text.Attribute("font-size")))!.Value);

    private static double Size(string style) => double.Parse("0" + string.Concat(style.SkipWhile(letter => !char.IsAsciiDigit(letter)).TakeWhile(char.IsAsciiDigit)), CultureInfo.InvariantCulture);

    private async Task WriteAsync(string name, int steps)
    {
        Directory.CreateDirectory(_runs.Folder(name).Path);
        await using var writer = HistoryWriter.Open(_runs.Folder(name).HistoryFile, after: 0);
        for (int step = 1; step <= steps; step++)
        {
            writer.Log(HistoryTests.Step(step) with { CrossEntropy = 3 + Math.Exp(-step / 100.0) + (0.1 * Math.Sin(step)) });
            if (step % 10 == 0)
            {
                writer.Log(new LoadEvent { Step = step, FirstStep = step - 9, Tokens = [[step, 2 * step, 3 * step, step / 2], []], DeadExperts = [0, 0] });
            }
        }

        await writer.FlushAsync();
    }
}
