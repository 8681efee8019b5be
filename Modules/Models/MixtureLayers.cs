using MoEActors.Modules.MixtureOfExperts;
using MoEActors.Modules.Parameters;

namespace MoEActors.Modules.Models;

/// <summary>Builds the mixture-of-experts layers that a configuration describes.</summary>
internal static class MixtureLayers
{
    /// <summary>A layer over tensors that exist.</summary>
    public static MoELayer Create(ModelConfiguration model, int layer, ParameterBlock dense, ResidentExperts experts)
    {
        string prefix = ModelLayout.LayerPrefix(layer);
        return new MoELayer(
            model.Kinds.Experts.Get(model.Expert),
            model.Kinds.Gates.Get(model.Gate.Kind).Create(model.Gate, name => dense[prefix + name]),
            experts.Exchange,
            new MoELayerParameters(
                [.. experts.Blocks.Select(block => block.Parameters)],
                Named(dense, prefix, ModelLayout.SharedExperts(model)) ?? Named(dense, prefix, ModelLayout.Residual(model)),
                model.Residual ? dense[prefix + ModelLayout.ResidualCoefficient] : null,
                experts.Parts));
    }

    /// <summary>The layer's tensors of these shapes; null for none.</summary>
    public static Parameter[]? Named(ParameterBlock dense, string prefix, IReadOnlyList<ParameterShape> shapes) =>
        shapes.Count == 0 ? null : [.. shapes.Select(shape => dense[prefix + shape.Name])];
}
