using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using OxyPlot;
using OxyPlot.Axes;
using OxyPlot.Legends;
using OxyPlot.Series;

namespace MoEActors.Cli.Plots;

/// <summary>What all pictures have in common: fonts, colours, axes, and how charts become one picture.</summary>
internal static partial class ChartStyle
{
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

    /// <summary>What words are written in, and what marks are drawn in.</summary>
    public static readonly OxyColor Ink = OxyColor.FromRgb(0x33, 0x33, 0x33), Mark = OxyColor.FromRgb(0xaa, 0xaa, 0xaa);

    private static readonly OxyColor Faint = OxyColor.FromRgb(0xe4, 0xe4, 0xe4);

    /// <summary>The colour of a run.</summary>
    public static OxyColor ColorOf(int run) => Colors[run % Colors.Length];

    /// <summary>Charts as one picture, row by row.</summary>
    /// <param name="charts">The charts, of equal size.</param>
    /// <param name="columns">Charts of a row.</param>
    /// <param name="width">Width of the picture.</param>
    /// <param name="height">Its height.</param>
    /// <param name="label">What it shows, for those who do not see it.</param>
    public static string Svg(IReadOnlyList<PlotModel> charts, int columns, int width, int height, string label)
    {
        int rows = (charts.Count + columns - 1) / columns;
        var exporter = new SvgExporter { Width = width / (double)columns, Height = height / (double)rows, IsDocument = false, TextMeasurer = new WideText(width, height), UseVerticalTextAlignmentWorkaround = true };
        var svg = new StringBuilder();
        svg.AppendLine(CultureInfo.InvariantCulture, $"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img" aria-label="{label}">""");
        svg.AppendLine("""<rect width="100%" height="100%" fill="#ffffff"/>""");
        foreach ((int index, PlotModel chart) in charts.Index())
        {
            // Names in a picture are those of all its charts.
            string drawn = ClipName().Replace(exporter.ExportToString(chart), string.Create(CultureInfo.InvariantCulture, $"$1chart-{index}-clip-"))
                .Replace($"\"{Font}\"", $"\"{Fonts}\"", StringComparison.Ordinal);
            int at = drawn.IndexOf("<svg", StringComparison.Ordinal) + "<svg".Length;
            svg.Append("<svg");
            svg.Append(CultureInfo.InvariantCulture, $" x=\"{index % columns * (width / columns)}\" y=\"{index / columns * (height / rows)}\"");
            svg.AppendLine(drawn[at..].TrimEnd());
        }

        return svg.AppendLine("</svg>").ToString();
    }

    /// <summary>An empty chart.</summary>
    /// <param name="title">Its title.</param>
    /// <param name="unit">What its values are.</param>
    /// <param name="fromZero">Whether values begin at 0, and not at the least that there is.</param>
    /// <param name="across">What they are drawn over.</param>
    public static PlotModel Chart(string title, string unit, bool fromZero = false, string across = "step")
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
        chart.Axes.Add(Axis(AxisPosition.Bottom, across));
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

    /// <summary>A line.</summary>
    /// <param name="run">Whose it is: its colour and dashes.</param>
    /// <param name="title">What the legend calls it; null for no entry.</param>
    /// <param name="points">Its points; a value that is no number is a gap.</param>
    public static LineSeries Line(int run, string? title, IEnumerable<(double At, double Value)> points)
    {
        var line = new LineSeries
        {
            Title = title is null ? null : VisibleText.OfName(title),
            Color = ColorOf(run),
            LineStyle = Styles[run / Colors.Length % Styles.Length],
            StrokeThickness = 1.6,
        };
        line.Points.AddRange(points.Select(point => double.IsFinite(point.Value) ? new DataPoint(point.At, point.Value) : DataPoint.Undefined));
        return line;
    }

    /// <summary>Measures text with room for a font whose letters are wider.</summary>
    private sealed class WideText(int width, int height) : PdfRenderContext(width, height, OxyColors.White)
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
