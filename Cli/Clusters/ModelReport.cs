using System.Text.Json;
using MoEActors.Cli.Runs;
using MoEActors.Client;
using MoEActors.Client.Connections;
using MoEActors.Grains.Interfaces.Training;

namespace MoEActors.Cli.Clusters;

/// <summary>A model of a cluster, as `moe status --connect` shows it.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Step">Committed steps.</param>
/// <param name="Layer">Whether it is a single layer.</param>
/// <param name="View">Number of the open view; 0 when none is open.</param>
/// <param name="Silos">Names of the silos that hold it.</param>
/// <param name="UsedBytes">Bytes that its workers have allocated.</param>
/// <param name="BudgetBytes">Bytes that they may allocate.</param>
/// <param name="Stopped">Whether its run was stopped.</param>
/// <param name="Layers">What travels in each layer with experts.</param>
internal sealed record ModelReport(
    string Name, long Step, bool Layer, long View, IReadOnlyList<string> Silos, long UsedBytes, long BudgetBytes, bool Stopped, IReadOnlyList<LayerTravel> Layers)
{
    /// <summary>Shows one model of a cluster, or all.</summary>
    public static async Task<int> ShowAsync(ConnectOptions connect, string? name, bool json, TextWriter writer, CancellationToken cancellation)
    {
        await using MoECluster cluster = await MoECluster.ConnectAsync(connect, cancellationToken: cancellation);
        if (name is not null)
        {
            ModelReport report = Of(await cluster.GetStatusAsync(name, cancellation));
            writer.WriteLine(json ? JsonSerializer.Serialize(report, SnakeCase.OneLine) : string.Join(writer.NewLine, [report.Line(), .. LayerTravel.Reasons(report.Layers)]));
            return ExitCode.Done;
        }

        List<ModelReport> all = [];
        foreach (ModelSummary model in await cluster.ListModelsAsync(cancellation))
        {
            all.Add(Of(await cluster.GetStatusAsync(model.Name, cancellation)));
        }

        if (json)
        {
            writer.WriteLine(JsonSerializer.Serialize(all, SnakeCase.OneLine));
            return ExitCode.Done;
        }

        foreach (string line in all.Count == 0 ? [$"There are no models in {connect}."] : all.Select(report => report.Line()))
        {
            writer.WriteLine(line);
        }

        return ExitCode.Done;
    }

    /// <summary>A model, from its status.</summary>
    public static ModelReport Of(TrainingStatus status) => new(
        status.Model, status.Step, status.Configuration.Model.Backbone == Backbone.None, status.View, [.. status.SiloNames.Distinct().Order(StringComparer.Ordinal)],
        status.Memory.Sum(worker => worker.Used), status.Memory.Sum(worker => worker.Budget), status.IsStopped, LayerTravel.Of(status));

    /// <summary>In one line.</summary>
    public string Line() => string.Join(", ",
    [
        $"{VisibleText.OfName(Name)}: {(Layer ? "layer" : "model")}, step {Step:N0}",
        Stopped ? "stopped" : View == 0 ? "no open view" : $"view {View:N0} on {string.Join(", ", Silos)}, {UsedBytes >> 20:N0} of {BudgetBytes >> 20:N0} MiB",
        .. LayerTravel.Unusual(Layers),
    ]);
}
