using MoEActors.Grains.Interfaces.Training;
using MoEActors.Placement.Map;

namespace MoEActors.Cli.Runs;

/// <summary>What travels in a layer with experts.</summary>
/// <param name="Layer">The layer.</param>
/// <param name="Parallelism">Rows, experts, or copies of busy experts as well.</param>
/// <param name="Copies">Copies of experts that were made for the passes of the last step.</param>
/// <param name="Tuning">Where it is chosen by what steps take: what is best now, and why; else null.</param>
internal sealed record LayerTravel(int Layer, LayerParallelism Parallelism, int Copies, string? Tuning = null)
{
    /// <summary>The layers of a model that have experts.</summary>
    public static LayerTravel[] Of(TrainingStatus status) =>
    [
        .. status.Configuration.Model.MoELayers.Select(layer =>
            new LayerTravel(layer, status.Parallelism.ElementAtOrDefault(layer), status.TransientCopies.ElementAtOrDefault(layer),
                status.Tuning.FirstOrDefault(tuned => tuned.Layer == layer)?.Reason)),
    ];

    /// <summary>Of layers where something else than rows travels, in a clause each.</summary>
    public static IEnumerable<string> Unusual(IEnumerable<LayerTravel> layers) =>
        layers.Where(layer => layer.Parallelism != LayerParallelism.Expert).Select(layer => $"layer {layer.Layer}: {Wording.Travels(layer.Parallelism, layer.Copies)}");

    /// <summary>Of layers that are tuned, why they have what they have, in a line each.</summary>
    public static IEnumerable<string> Reasons(IEnumerable<LayerTravel> layers) =>
        layers.Where(layer => layer.Tuning is not null).Select(layer => $"  layer {layer.Layer} is tuned: {layer.Tuning}");
}
