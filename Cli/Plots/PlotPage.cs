using System.Globalization;
using System.Net;
using System.Text;
using MoEActors.Cli.Runs;

namespace MoEActors.Cli.Plots;

/// <summary>A picture of runs on a page, with what they came to in a table. It loads nothing from anywhere.</summary>
internal static class PlotPage
{
    /// <summary>The page as HTML.</summary>
    public static string Html(IReadOnlyList<RunCurves> runs)
    {
        string title = WebUtility.HtmlEncode(string.Join(", ", runs.Select(run => VisibleText.OfName(run.Name))));
        var rows = new StringBuilder();
        foreach (RunCurves run in runs)
        {
            string[] cells = [VisibleText.OfName(run.Name), .. Cells(run)];
            rows.Append("<tr>").AppendJoin("", cells.Select((cell, index) => index == 0 ? $"<th scope=\"row\">{WebUtility.HtmlEncode(cell)}</th>" : $"<td>{WebUtility.HtmlEncode(cell)}</td>")).AppendLine("</tr>");
        }

        return $$"""
            <!doctype html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width">
            <title>{{title}}</title>
            <style>
            body { font: 15px/1.5 system-ui, sans-serif; color: #333; background: #fff; margin: 2rem auto; max-width: {{RunCharts.Width}}px; padding: 0 1rem; }
            svg { max-width: 100%; height: auto; }
            table { border-collapse: collapse; margin-top: 1rem; }
            th, td { padding: .3rem 1rem; text-align: right; border-bottom: 1px solid #ddd; font-variant-numeric: tabular-nums; }
            th:first-child { text-align: left; }
            </style>
            </head>
            <body>
            <h1>{{title}}</h1>
            {{RunCharts.Svg(runs)}}
            <table>
            <thead><tr><th>run</th><th>steps</th><th>training loss</th><th>best validation loss</th><th>tokens/s</th><th>unevenness</th><th>busiest expert</th></tr></thead>
            <tbody>
            {{rows}}</tbody>
            </table>
            </body>
            </html>

            """;
    }

    private static IEnumerable<string> Cells(RunCurves run)
    {
        SummaryRow last = run.Steps[^1];
        double best = run.Evaluations.Select(one => one.Loss).Where(double.IsFinite).DefaultIfEmpty(double.NaN).Min();
        double[] balances = [.. run.Steps.Where(row => row.Balance is not null).Select(row => row.Balance!.Value)];
        return
        [
            string.Create(CultureInfo.InvariantCulture, $"{last.Last:N0}"),
            Wording.Nats(last.Loss),
            Wording.Nats(best),
            string.Create(CultureInfo.InvariantCulture, $"{run.Steps.Average(row => row.TokensPerSecond):N0}"),
            balances.Length == 0 ? "-" : string.Create(CultureInfo.InvariantCulture, $"{balances.Average():0.00}"),
            run.Loads.Count == 0 ? "-" : string.Create(CultureInfo.InvariantCulture, $"{run.Loads.Average(point => point.Busiest):0.00}"),
        ];
    }
}
