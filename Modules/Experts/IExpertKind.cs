using MoEActors.Modules.Kinds;
using MoEActors.Modules.Parameters;

namespace MoEActors.Modules.Experts;

/// <summary>
/// What an expert computes: its tensors, and forward and backward over the rows of all experts of a worker at once. docs/layers.md shows one.
/// A kind has no state: it serves every layer of every model, and what backward needs of forward goes into <see cref="ExpertBatch.Save"/>.
/// <para>
/// A worker may hold no expert of a layer, and an expert may get no rows. An output row must depend on its input row and its expert's tensors
/// alone, with the same additions in the same order at any position, or the cluster's results depend on placement. The products of
/// <see cref="ExpertBatch"/> and the operations of a device guarantee that. An expert computes by these alone: the memory of a device is not the host's.
/// </para>
/// </summary>
public interface IExpertKind : IKind
{
    /// <summary>
    /// The tensors of one expert, names without prefix. They start as their <see cref="ParameterShape.Initial"/> says, from seed and full name alone;
    /// AdamW trains them, with weight decay for those that <see cref="ParameterShape.Decays"/>. In a checkpoint a matrix <c>x</c> [in, out] is
    /// <c>experts.N.x.weight</c> [out, in], a vector <c>experts.N.x</c>.
    /// <para>
    /// An expert can be computed in slices by several workers (r &gt; 1) if its tensors say where they have hidden units (<see cref="ParameterShape.Hidden"/>), and if its output is a sum
    /// over these: units whose parameters are all zero, and tensors without hidden units that are, add nothing to it.
    /// </para>
    /// </summary>
    /// <param name="dim">Model features: columns of inputs and outputs.</param>
    /// <param name="hidden">Hidden features, as configured; the kind decides what they mean.</param>
    IReadOnlyList<ParameterShape> Layout(int dim, int hidden);

    /// <summary>
    /// Computes <see cref="ExpertBatch.Output"/> from <see cref="ExpertBatch.Input"/>, both [rows, dim], written as
    /// <see cref="ExpertBatch.OutputAccumulation"/> says.
    /// </summary>
    void Forward(ExpertBatch batch);

    /// <summary>
    /// Adds the gradients of the tensors (<see cref="ExpertBatch.AddWeightGradient"/>, <see cref="ExpertBatch.AddBiasGradient"/>; one call for each:
    /// after two, replicas agree with a single copy within rounding only) and computes
    /// <see cref="ExpertBatch.InputGradient"/> from <see cref="ExpertBatch.OutputGradient"/>, written as
    /// <see cref="ExpertBatch.InputAccumulation"/> says.
    /// </summary>
    void Backward(ExpertBatch batch);
}
