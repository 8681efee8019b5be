using MoEActors.Modules.Gates;
using MoEActors.Modules.MixtureOfExperts;
using MoEActors.Modules.Parameters;

namespace MoEActors.Modules.Models;

/// <summary>What a worker runs of a model, whatever its backbone: mixture-of-experts layers over dense parameters and local experts.</summary>
public interface IRoutedModel : IDisposable
{
    /// <summary>The configuration.</summary>
    ModelConfiguration Configuration { get; }

    /// <summary>
    /// The gate of a layer; null for a dense layer. Its policy may be replaced between two steps (<see cref="IGate.Reconfigure"/>), on
    /// every worker alike.
    /// </summary>
    IGate? GateOf(int layer);

    /// <summary>Ends a step, beside the optimizer: updates what gates keep but do not train, such as the bias that balances.</summary>
    /// <param name="gradients">Dense gradients over all micro-batches of the step, alike on every worker.</param>
    void EndStep(DeviceSpan<float> gradients);
}

/// <summary>Builds the mixture-of-experts layers that a configuration describes.</summary>
internal static class MixtureLayers
{
    /// <summary>A layer over tensors that exist.</summary>
    public static MoELayer Create(ModelConfiguration model, int layer, ParameterBlock dense, IExpertExchange exchange)
    {
        string prefix = ModelLayout.LayerPrefix(layer);
        return new MoELayer(
            model.Kinds.Experts.Get(model.Expert),
            model.Kinds.Gates.Get(model.Gate.Kind).Create(model.Gate, name => dense[prefix + name]),
            exchange,
            new MoELayerParameters(
                Named(dense, prefix, ModelLayout.SharedExperts(model)) ?? Named(dense, prefix, ModelLayout.Residual(model)),
                model.Residual ? dense[prefix + ModelLayout.ResidualCoefficient] : null));
    }

    /// <summary>The layer's tensors of these shapes; null for none.</summary>
    public static Parameter[]? Named(ParameterBlock dense, string prefix, IReadOnlyList<ParameterShape> shapes) =>
        shapes.Count == 0 ? null : [.. shapes.Select(shape => dense[prefix + shape.Name])];
}
