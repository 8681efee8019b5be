using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using OxyPlot;
using OxyPlot.Annotations;
using OxyPlot.Axes;
using OxyPlot.Legends;
using OxyPlot.Series;

namespace MoEActors.Cli.Plots;

/// <summary>Draws runs: loss, throughput, balance and load over their steps, one chart each, on one picture.</summary>
internal static partial class RunCharts
{
    public const int Width = 1200, Height = 820;

    private const int Columns = 2, Rows = 2;

    /// <summary>A font of which the library knows how wide its letters are, and what may stand in for it.</summary>
    private const string Font = "Arial", Fonts = "Arial, 'Liberation Sans', Helvetica, sans-serif";

    /// <summary>Far enough apart to be told from each other, by eyes that see fewer colours too (Okabe and Ito).</summary>
    private static readonly OxyColor[] Colors =
    [
        OxyColor.FromRgb(0x00, 0x72, 0xb2), OxyColor.FromRgb(0xd5, 0x5e, 0x00), OxyColor.FromRgb(0x00, 0x9e, 0x73), OxyColor.FromRgb(0xcc, 0x79, 0xa7),
        OxyColor.FromRgb(0xe6, 0x9f, 0x00), OxyColor.FromRgb(0x56, 0xb4, 0xe9), OxyColor.FromRgb(0x55, 0x55, 0x55),
    ];

    /// <summary>Beyond the colours there are, lines are told apart by their dashes.</summary>
    private static readonly LineStyle[] Styles = [LineStyle.Solid, LineStyle.Dash, LineStyle.Dot, LineStyle.DashDot];

    private static readonly OxyColor Ink = OxyColor.FromRgb(0x33, 0x33, 0x33), Faint = OxyColor.FromRgb(0xe4, 0xe4, 0xe4), Mark = OxyColor.FromRgb(0xaa, 0xaa, 0xaa);

    /// <summary>The picture as SVG.</summary>
    public static string Svg(IReadOnlyList<RunCurves> runs)
    {
        PlotModel[] charts = [Loss(runs), Throughput(runs), Balance(runs), Load(runs)];
        var exporter = new SvgExporter { Width = Width / (double)Columns, Height = Height / (double)Rows, IsDocument = false, TextMeasurer = new WideText(), UseVerticalTextAlignmentWorkaround = true };
        var svg = new StringBuilder();
        svg.AppendLine(CultureInfo.InvariantCulture, $"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {Width} {Height}" width="{Width}" height="{Height}" role="img" aria-label="Loss, throughput, balance and load">""");
        svg.AppendLine("""<rect width="100%" height="100%" fill="#ffffff"/>""");
        foreach ((int index, PlotModel chart) in charts.Index())
        {
            // Names in a picture are those of all its charts.
            string drawn = ClipName().Replace(exporter.ExportToString(chart), string.Create(CultureInfo.InvariantCulture, $"$1chart-{index}-clip-"))
                .Replace($"\"{Font}\"", $"\"{Fonts}\"", StringComparison.Ordinal);
            int at = drawn.IndexOf("<svg", StringComparison.Ordinal) + "<svg".Length;
            svg.Append("<svg");
            svg.Append(CultureInfo.InvariantCulture, $" x=\"{index % Columns * (Width / Columns)}\" y=\"{index / Columns * (Height / Rows)}\"");
            svg.AppendLine(drawn[at..].TrimEnd());
        }

        return svg.AppendLine("</svg>").ToString();
    }

    private static PlotModel Loss(IReadOnlyList<RunCurves> runs)
    {
        PlotModel chart = Chart("Loss", "nats per token");
        foreach ((int index, RunCurves run) in runs.Index())
        {
            chart.Series.Add(Line(index, runs.Count > 1 ? run.Name : "training", run.Steps.Select(row => (row.Last, row.Loss))));
            if (run.Evaluations.Count > 0)
            {
                chart.Series.Add(Points(index, runs.Count > 1 ? null : "validation", run.Evaluations.Select(one => (one.Step, one.Loss))));
            }
        }

        return chart;
    }

    private static PlotModel Throughput(IReadOnlyList<RunCurves> runs)
    {
        PlotModel chart = Chart("Throughput", "tokens per second", fromZero: true);
        foreach ((int index, RunCurves run) in runs.Index())
        {
            chart.Series.Add(Line(index, null, run.Steps.Select(row => (row.Last, row.TokensPerSecond))));
        }

        return Marked(chart, runs, run => run.Resumes, "stopped and resumed");
    }

    private static PlotModel Balance(IReadOnlyList<RunCurves> runs)
    {
        PlotModel chart = Chart("Balance of the workers", "busiest worker / mean, worst layer");
        foreach ((int index, RunCurves run) in runs.Index())
        {
            chart.Series.Add(Line(index, null, run.Steps.Where(row => row.Balance is not null).Select(row => (row.Last, row.Balance!.Value))));
        }

        return Marked(chart, runs, run => run.Moves, "experts moved");
    }

    private static PlotModel Load(IReadOnlyList<RunCurves> runs)
    {
        PlotModel chart = Chart("Load of the experts", "tokens / mean of the layer", fromZero: true);
        foreach ((int index, RunCurves run) in runs.Index())
        {
            OxyColor color = Colors[index % Colors.Length];
            if (run.Loads.Count > 0)
            {
                var middle = new AreaSeries { Color = OxyColors.Transparent, Color2 = OxyColors.Transparent, Fill = OxyColor.FromAColor(40, color), Title = runs.Count > 1 ? null : "half of the experts" };
                middle.Points.AddRange(run.Loads.Select(point => new DataPoint(point.Step, point.Quartiles.First)));
                middle.Points2.AddRange(run.Loads.Select(point => new DataPoint(point.Step, point.Quartiles.Third)));
                chart.Series.Add(middle);
            }

            chart.Series.Add(Line(index, runs.Count > 1 ? null : "busiest expert", run.Loads.Select(point => (point.Step, point.Busiest))));
            LineSeries median = Line(index, runs.Count > 1 ? null : "median", run.Loads.Select(point => (point.Step, point.Quartiles.Median)));
            (median.StrokeThickness, median.LineStyle) = (1, LineStyle.Dot);
            chart.Series.Add(median);
        }

        return chart;
    }

    private static PlotModel Chart(string title, string unit, bool fromZero = false)
    {
        var chart = new PlotModel
        {
            Title = title,
            DefaultFont = Font,
            TitleFontSize = 15,
            TitleFontWeight = 600,
            TextColor = Ink,
            Background = OxyColors.White,
            PlotAreaBorderColor = Mark,
            PlotAreaBorderThickness = new OxyThickness(1, 0, 0, 1),
            Padding = new OxyThickness(8, 8, 18, 8),
        };
        chart.Axes.Add(Axis(AxisPosition.Bottom, "step"));
        LinearAxis values = Axis(AxisPosition.Left, unit);
        (values.MinimumPadding, values.MaximumPadding) = (0.05, 0.08);
        values.Minimum = fromZero ? 0 : double.NaN;
        chart.Axes.Add(values);
        chart.Legends.Add(new Legend
        {
            LegendPosition = LegendPosition.RightTop,
            LegendPlacement = LegendPlacement.Inside,
            LegendBackground = OxyColor.FromAColor(220, OxyColors.White),
            LegendFontSize = 12,
            LegendLineSpacing = 4,
        });
        return chart;
    }

    private static LinearAxis Axis(AxisPosition position, string title) => new()
    {
        Position = position,
        Title = title,
        TitleFontSize = 12,
        FontSize = 12,
        AxisTitleDistance = 10,
        StringFormat = "#,0.###",
        MajorGridlineStyle = LineStyle.Solid,
        MajorGridlineColor = Faint,
        TicklineColor = Mark,
        MinorTickSize = 0,
        AxislineColor = Mark,
    };

    private static LineSeries Line(int run, string? title, IEnumerable<(long Step, double Value)> points)
    {
        var line = new LineSeries
        {
            Title = title is null ? null : VisibleText.OfName(title),
            Color = Colors[run % Colors.Length],
            LineStyle = Styles[run / Colors.Length % Styles.Length],
            StrokeThickness = 1.6,
        };
        line.Points.AddRange(points.Select(point => double.IsFinite(point.Value) ? new DataPoint(point.Step, point.Value) : DataPoint.Undefined));
        return line;
    }

    private static ScatterSeries Points(int run, string? title, IEnumerable<(long Step, double Value)> points)
    {
        var marks = new ScatterSeries { Title = title, MarkerType = MarkerType.Diamond, MarkerSize = 4, MarkerFill = OxyColors.White, MarkerStroke = Colors[run % Colors.Length], MarkerStrokeThickness = 1.5 };
        marks.Points.AddRange(points.Where(point => double.IsFinite(point.Value)).Select(point => new ScatterPoint(point.Step, point.Value)));
        return marks;
    }

    /// <summary>Marks steps of a run; of several runs nobody could tell whose they are.</summary>
    private static PlotModel Marked(PlotModel chart, IReadOnlyList<RunCurves> runs, Func<RunCurves, IReadOnlyList<long>> steps, string what)
    {
        if (runs is [var run])
        {
            foreach ((int index, long step) in steps(run).Index())
            {
                chart.Annotations.Add(new LineAnnotation
                {
                    Type = LineAnnotationType.Vertical,
                    X = step,
                    Color = Mark,
                    LineStyle = LineStyle.Dash,
                    StrokeThickness = 0.8,
                    Text = index == 0 ? what : null,
                    TextColor = Ink,
                    FontSize = 11,
                    TextOrientation = AnnotationTextOrientation.Vertical,
                });
            }
        }

        return chart;
    }

    /// <summary>Measures text with room for a font whose letters are wider.</summary>
    private sealed class WideText() : PdfRenderContext(Width, Height, OxyColors.White)
    {
        private const double Room = 1.45;

        public override OxySize MeasureText(string text, string fontFamily, double fontSize, double fontWeight)
        {
            OxySize size = base.MeasureText(text, fontFamily, fontSize, fontWeight);
            return new OxySize(size.Width * Room, size.Height);
        }
    }

    [GeneratedRegex("""(id="|#)clipPath""")]
    private static partial Regex ClipName();
}
