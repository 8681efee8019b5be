using MoEActors.Modules.Autograd;
using MoEActors.Modules.Experts;
using MoEActors.Modules.Parameters;

namespace MoEActors.Modules.MixtureOfExperts;

/// <summary>A dense feed-forward block: one expert that sees every token.</summary>
/// <param name="kind">What it computes.</param>
/// <param name="parameters">Its tensors.</param>
public sealed class Feedforward(IExpertKind kind, IReadOnlyList<Parameter> parameters)
{
    private readonly SharedExpert _expert = new(kind, parameters, coefficient: null);

    /// <summary><c>stream + f(x)</c>.</summary>
    public Tensor Forward(Tape tape, in Tensor x, in Tensor stream)
    {
        Tensor y = tape.Continue(stream);
        _expert.AddShared(tape, x, y);
        if (tape.Record<Node>() is { } node)
        {
            node.Expert = _expert;
            node.X = x;
            node.Y = y;
        }

        return y;
    }

    private sealed class Node : TapeNode
    {
        public Tensor X;
        public Tensor Y;

        internal SharedExpert Expert { get; set; } = null!;

        protected internal override void Backward(Tape tape) => Expert.Backward(tape, X, tape.Gradient(Y));
    }
}
