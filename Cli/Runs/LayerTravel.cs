using MoEActors.Grains.Interfaces.Training;
using MoEActors.Placement.Costs;
using MoEActors.Placement.Map;
using MoEActors.Placement.Parallelism;

namespace MoEActors.Cli.Runs;

/// <summary>What travels in a layer with experts.</summary>
/// <param name="Layer">The layer.</param>
/// <param name="Parallelism">Rows, experts, or copies of busy experts as well.</param>
/// <param name="Copies">Copies of experts that were made for the passes of the last step.</param>
/// <param name="Tuning">Where it is chosen by what steps take: what is best now, and why; else null.</param>
/// <param name="Slices">Slices of an expert that rows travel to; 1 for whole experts.</param>
/// <param name="Exchange">How rows cross the hosts.</param>
internal sealed record LayerTravel(
    int Layer, LayerParallelism Parallelism, int Copies, string? Tuning = null, int Slices = 1, AllToAll Exchange = AllToAll.Linear)
{
    /// <summary>The layers of a model that have experts.</summary>
    public static LayerTravel[] Of(TrainingStatus status) =>
    [
        .. from layer in status.Configuration.Model.MoELayers
           let choice = ParallelismChoice.In(status.Parallelism, layer)
           select new LayerTravel(
               layer, choice.Travels, status.TransientCopies.ElementAtOrDefault(layer), status.Tuning.FirstOrDefault(tuned => tuned.Layer == layer)?.Reason,
               Math.Max(1, choice.Slices), choice.Exchange),
    ];

    /// <summary>Of layers where something else travels than rows to whole experts, or otherwise than straight, in a clause each.</summary>
    public static IEnumerable<string> Unusual(IEnumerable<LayerTravel> layers) =>
        layers.Where(layer => layer is not { Parallelism: LayerParallelism.Expert, Slices: 1, Exchange: AllToAll.Linear })
            .Select(layer => $"layer {layer.Layer}: {Wording.Travels(layer.Parallelism, layer.Slices, layer.Exchange, layer.Copies)}");

    /// <summary>Of layers that are tuned, why they have what they have, in a line each.</summary>
    public static IEnumerable<string> Reasons(IEnumerable<LayerTravel> layers) =>
        layers.Where(layer => layer.Tuning is not null).Select(layer => $"  layer {layer.Layer} is tuned: {layer.Tuning}");
}
