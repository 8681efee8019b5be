using MoEActors.Modules.Parameters;

namespace MoEActors.Modules.Models;

/// <summary>
/// How much a model computes, whatever its experts hold: the measure in which a mixture of experts is compared with a dense model (Shazeer et al., arXiv 1701.06538, §5.1; DeepSpeed-MoE, arXiv 2201.05596, §3).
/// </summary>
public static class ModelOperations
{
    /// <summary>
    /// Floating-point operations of a token in training: twice the weights that it meets in products - of k experts in each layer with experts - and the products of attention with the keys that it sees, half of the
    /// sequence on the mean; three times all of that, for forward and both gradients. What experts drop is not taken off; norms, rotations and softmax are left out.
    /// </summary>
    /// <param name="model">A decoder.</param>
    /// <param name="length">Tokens of a sequence.</param>
    public static double PerTrainedToken(ModelConfiguration model, int length)
    {
        ArgumentNullException.ThrowIfNull(model);
        double weights = Products(ModelLayout.Dense(model).Where(shape => shape.Name != ModelLayout.Embedding))
            + model.MoELayers.Count() * (double)model.Gate.TopK * Products(ModelLayout.Expert(model));
        double attention = model.Layers * 2.0 * model.Attention.QueryColumns * ((length + 1) / 2.0);
        return 3 * 2 * (weights + attention);
    }

    private static double Products(IEnumerable<ParameterShape> shapes) => shapes.Where(shape => shape.Rows > 1).Sum(shape => (double)shape.Rows * shape.Columns);
}
