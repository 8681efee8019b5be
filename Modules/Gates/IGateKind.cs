using MoEActors.Modules.Kinds;
using MoEActors.Modules.Parameters;

namespace MoEActors.Modules.Gates;

/// <summary>
/// A gate that a configuration can name (<c>gate.kind</c>): its tensors, and how it is built over them. docs/layers.md shows one. A kind has no
/// state: what a pass must remember belongs to the gate that <see cref="Create"/> returns, one per layer and worker.
/// <para>
/// The least one writes is an <see cref="IRouter"/> (how tokens become logits), an <see cref="IScores"/> or an <see cref="ISelection"/> (which experts
/// a token gets), and a kind that composes a <see cref="Gate"/> with it. They compute by operations of the device; a selection that cannot is a
/// <see cref="HostSelection"/>.
/// </para>
/// <para>
/// Results must depend on the micro-batch, the tensors and <see cref="RoutingContext.RandomKey"/> alone - not on time, threads, a
/// random generator of your own, or the order of a dictionary - or the cluster's results depend on the number of silos. Policy is what
/// <see cref="GateOptions"/> has; numbers of your own are arguments of the class, the same on every silo.
/// </para>
/// </summary>
public interface IGateKind : IKind
{
    /// <summary>
    /// The tensors of one layer's gate. Names are without prefix and unlike those of the layer's other tensors; one begins them with
    /// <c>router</c>. A matrix [in, out] called <c>router_x</c> is <c>gate.x.weight</c> [out, in] in a checkpoint, a vector <c>gate.x</c>.
    /// Every worker has a copy. They start as their <see cref="ParameterShape.Initial"/> says, from seed and name alone, and AdamW trains them.
    /// </summary>
    /// <param name="options">The policy.</param>
    /// <param name="dim">Model features.</param>
    /// <param name="experts">Experts of the layer.</param>
    IReadOnlyList<ParameterShape> Layout(GateOptions options, int dim, int experts);

    /// <summary>The gate over tensors that exist.</summary>
    /// <param name="options">The policy.</param>
    /// <param name="parameters">The tensors of <see cref="Layout"/> by name.</param>
    IGate Create(GateOptions options, Func<string, Parameter> parameters);

    /// <summary>What this gate cannot do with the options: sentences that begin with the name of the property.</summary>
    IEnumerable<string> Errors(GateOptions options) => [];
}
