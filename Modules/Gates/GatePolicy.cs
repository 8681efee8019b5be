using MoEActors.Modules.Models;

namespace MoEActors.Modules.Gates;

/// <summary>The routing policy of one layer, where it is another than the run began with.</summary>
/// <param name="Layer">The layer.</param>
/// <param name="FromStep">The first step that follows it.</param>
/// <param name="Options">The policy.</param>
public sealed record GatePolicy(int Layer, long FromStep, GateOptions Options)
{
    /// <summary>What keeps the layer of a model that exists from routing so: every mistake, each naming its property.</summary>
    /// <param name="model">The model as it began. What cannot change while it lives is as it was then.</param>
    public IEnumerable<string> Mistakes(ModelConfiguration model) => model.MoELayers.Contains(Layer)
        ? [.. Options.Mistakes(model.Experts[Layer], model.Kinds.Gates), .. Options.MistakesOfChange(model.Gate)]
        : [$"The layer has no gate; layers with one are {string.Join(", ", model.MoELayers)}."];
}
