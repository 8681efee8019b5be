using System.Threading.Channels;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace MoEActors.Cli.Progress;

/// <summary>A panel on the terminal that follows the newest report; reports that come faster than it draws are skipped.</summary>
internal sealed class LiveTrainingView : ITrainingView
{
    private readonly Channel<TrainingProgress> _newest = Channel.CreateBounded<TrainingProgress>(
        new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropOldest, SingleReader = true });

    private readonly Task _drawing;

    public LiveTrainingView(IAnsiConsole console) => _drawing = Task.Run(() => DrawAsync(console));

    public void Report(TrainingProgress progress) => _newest.Writer.TryWrite(progress);

    public async ValueTask DisposeAsync()
    {
        _newest.Writer.TryComplete();
        await _drawing;
    }

    private Task DrawAsync(IAnsiConsole console) => console.Live(new Text("Starting ...")).StartAsync(async screen =>
    {
        await foreach (TrainingProgress progress in _newest.Reader.ReadAllAsync())
        {
            screen.UpdateTarget(TrainingPanel.Of(progress));
        }
    });
}

/// <summary>Draws the state of a training run: its figures, its progress, and the load of every silo's experts.</summary>
internal static class TrainingPanel
{
    private const int BarWidth = 48;
    private const int NotesShown = 3;

    /// <summary>From cold to hot; the middle is the load of every expert if all had the same.</summary>
    private static readonly Color[] Heat =
        [Color.Grey23, Color.DodgerBlue3, Color.DeepSkyBlue3, Color.SeaGreen3, Color.Yellow3, Color.Orange1, Color.Red1];

    public static IRenderable Of(TrainingProgress progress)
    {
        List<IRenderable> rows = [Figures(progress), Bar(progress.Fraction)];
        if (progress.ExpertLoads.Count > 0)
        {
            rows.Add(new Text(""));
            rows.Add(Loads(progress));
        }

        rows.AddRange(progress.Notes.TakeLast(NotesShown).Select(note => new Text(VisibleText.OfName(note), new Style(Color.Grey))));
        return new Panel(new Rows(rows)) { Header = new PanelHeader(" training "), Border = BoxBorder.Rounded, Padding = new Padding(1, 0) };
    }

    private static Grid Figures(TrainingProgress progress)
    {
        (string Name, string Value)[] figures = [.. TrainingFigures.Of(progress)];
        Grid grid = new();
        foreach (var _ in figures)
        {
            grid.AddColumn(new GridColumn().NoWrap().PadRight(3));
        }

        grid.AddRow([.. figures.Select(figure => new Text(figure.Name, new Style(Color.Grey)))]);
        grid.AddRow([.. figures.Select(figure => new Text(figure.Value, new Style(decoration: Decoration.Bold)))]);
        return grid;
    }

    private static Paragraph Bar(double fraction)
    {
        int done = (int)Math.Round(fraction * BarWidth);
        return new Paragraph()
            .Append(new string('━', done), new Style(Color.SeaGreen3))
            .Append(new string('━', BarWidth - done), new Style(Color.Grey23))
            .Append($" {fraction * 100:0}%");
    }

    /// <summary>One row per silo: its name, a cell per expert coloured by load, its share of all tokens.</summary>
    private static Grid Loads(TrainingProgress progress)
    {
        ExpertLoad load = new(progress.ExpertLoads);
        Grid grid = new Grid().AddColumn(new GridColumn().NoWrap()).AddColumn(new GridColumn().NoWrap()).AddColumn(new GridColumn().NoWrap());
        for (int silo = 0; silo < progress.ExpertLoads.Count; silo++)
        {
            Paragraph cells = new();
            foreach (double relative in load.Cells(silo, BarWidth))
            {
                cells.Append("■", new Style(Heat[Math.Clamp((int)(relative * Heat.Length / 2), 0, Heat.Length - 1)]));
            }

            grid.AddRow(new Text(VisibleText.OfName(TrainingFigures.SiloName(progress, silo))), cells, new Text($"{load.Share(silo) * 100:0}%", new Style(Color.Grey)));
        }

        return grid;
    }
}
