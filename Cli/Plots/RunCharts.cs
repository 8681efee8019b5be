using OxyPlot;
using OxyPlot.Annotations;
using OxyPlot.Series;

namespace MoEActors.Cli.Plots;

/// <summary>Draws runs: loss, throughput, balance and load over their steps, one chart each, on one picture.</summary>
internal static class RunCharts
{
    public const int Width = 1200, Height = 820;

    private const int Columns = 2;

    /// <summary>The picture as SVG.</summary>
    public static string Svg(IReadOnlyList<RunCurves> runs) =>
        ChartStyle.Svg([Loss(runs), Throughput(runs), Balance(runs), Load(runs)], Columns, Width, Height, "Loss, throughput, balance and load");

    private static PlotModel Loss(IReadOnlyList<RunCurves> runs)
    {
        PlotModel chart = ChartStyle.Chart("Loss", "nats per token");
        foreach ((int index, RunCurves run) in runs.Index())
        {
            chart.Series.Add(ChartStyle.Line(index, runs.Count > 1 ? run.Name : "training", run.Steps.Select(row => ((double)row.Last, row.Loss))));
            if (run.Evaluations.Count > 0)
            {
                chart.Series.Add(Points(index, runs.Count > 1 ? null : "validation", run.Evaluations.Select(one => (one.Step, one.Loss))));
            }
        }

        return chart;
    }

    private static PlotModel Throughput(IReadOnlyList<RunCurves> runs)
    {
        PlotModel chart = ChartStyle.Chart("Throughput", "tokens per second", fromZero: true);
        foreach ((int index, RunCurves run) in runs.Index())
        {
            chart.Series.Add(ChartStyle.Line(index, null, run.Steps.Select(row => ((double)row.Last, row.TokensPerSecond))));
        }

        return Marked(chart, runs, run => run.Resumes, "stopped and resumed");
    }

    private static PlotModel Balance(IReadOnlyList<RunCurves> runs)
    {
        PlotModel chart = ChartStyle.Chart("Balance of the workers", "busiest worker / mean, worst layer");
        foreach ((int index, RunCurves run) in runs.Index())
        {
            chart.Series.Add(ChartStyle.Line(index, null, run.Steps.Where(row => row.Balance is not null).Select(row => ((double)row.Last, row.Balance!.Value))));
        }

        return Marked(chart, runs, run => run.Moves, "experts moved");
    }

    private static PlotModel Load(IReadOnlyList<RunCurves> runs)
    {
        PlotModel chart = ChartStyle.Chart("Load of the experts", "tokens / mean of the layer", fromZero: true);
        foreach ((int index, RunCurves run) in runs.Index())
        {
            OxyColor color = ChartStyle.ColorOf(index);
            if (run.Loads.Count > 0)
            {
                var middle = new AreaSeries { Color = OxyColors.Transparent, Color2 = OxyColors.Transparent, Fill = OxyColor.FromAColor(40, color), Title = runs.Count > 1 ? null : "half of the experts" };
                middle.Points.AddRange(run.Loads.Select(point => new DataPoint(point.Step, point.Quartiles.First)));
                middle.Points2.AddRange(run.Loads.Select(point => new DataPoint(point.Step, point.Quartiles.Third)));
                chart.Series.Add(middle);
            }

            chart.Series.Add(ChartStyle.Line(index, runs.Count > 1 ? null : "busiest expert", run.Loads.Select(point => ((double)point.Step, point.Busiest))));
            LineSeries median = ChartStyle.Line(index, runs.Count > 1 ? null : "median", run.Loads.Select(point => ((double)point.Step, point.Quartiles.Median)));
            (median.StrokeThickness, median.LineStyle) = (1, LineStyle.Dot);
            chart.Series.Add(median);
        }

        return chart;
    }

    private static ScatterSeries Points(int run, string? title, IEnumerable<(long Step, double Value)> points)
    {
        var marks = new ScatterSeries { Title = title, MarkerType = MarkerType.Diamond, MarkerSize = 4, MarkerFill = OxyColors.White, MarkerStroke = ChartStyle.ColorOf(run), MarkerStrokeThickness = 1.5 };
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
                    Color = ChartStyle.Mark,
                    LineStyle = LineStyle.Dash,
                    StrokeThickness = 0.8,
                    Text = index == 0 ? what : null,
                    TextColor = ChartStyle.Ink,
                    FontSize = 11,
                    TextOrientation = AnnotationTextOrientation.Vertical,
                });
            }
        }

        return chart;
    }

}
