using MoEActors.Cli.Plots;
using OxyPlot;
using OxyPlot.Series;

namespace MoEActors.Cli.Comparison;

/// <summary>Draws a comparison: the loss over compute, and over the text that was read.</summary>
internal static class ComparisonChart
{
    private const int Width = 1200, Height = 440;

    /// <summary>The picture as SVG.</summary>
    public static string Svg(ComparisonReport report)
    {
        (double size, string unit) = report.Unit();
        PlotModel compute = ChartStyle.Chart("Loss over compute", "nats per token", across: unit);
        PlotModel tokens = ChartStyle.Chart("Loss over text", "nats per token", across: "tokens");
        foreach ((int index, ModelResult model) in report.Models.Index())
        {
            Add(compute, index, model, point => point.Operations / size);
            Add(tokens, index, model, point => (double)point.Step / model.Steps * model.Tokens);
        }

        return ChartStyle.Svg([compute, tokens], columns: 2, Width, Height, "Loss over compute and over text");
    }

    /// <summary>The mean, and behind it from the lowest to the highest.</summary>
    private static void Add(PlotModel chart, int index, ModelResult model, Func<CurvePoint, double> across)
    {
        var spread = new AreaSeries { Color = OxyColors.Transparent, Color2 = OxyColors.Transparent, Fill = OxyColor.FromAColor(40, ChartStyle.ColorOf(index)) };
        spread.Points.AddRange(model.Curve.Select(point => new DataPoint(across(point), point.Lowest)));
        spread.Points2.AddRange(model.Curve.Select(point => new DataPoint(across(point), point.Highest)));
        chart.Series.Add(spread);
        chart.Series.Add(ChartStyle.Line(index, model.Name, model.Curve.Select(point => (across(point), point.Loss))));
    }
}
