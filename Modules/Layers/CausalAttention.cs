using MoEActors.Modules.Autograd;
using MoEActors.Modules.Parameters;
using MoEActors.Modules.Timing;

namespace MoEActors.Modules.Layers;

/// <summary>Heads of grouped-query attention (Ainslie et al., arXiv 2305.13245).</summary>
/// <param name="Heads">Query heads.</param>
/// <param name="KeyValueHeads">Key and value heads; each serves <c>Heads / KeyValueHeads</c> query heads.</param>
/// <param name="HeadDim">Features of a head.</param>
public readonly record struct AttentionShape(int Heads, int KeyValueHeads, int HeadDim)
{
    /// <summary>Query heads that share a key and value head.</summary>
    public int Group => Heads / KeyValueHeads;

    /// <summary>Columns of queries.</summary>
    public int QueryColumns => Heads * HeadDim;

    /// <summary>Columns of keys, and of values.</summary>
    public int KeyColumns => KeyValueHeads * HeadDim;

    /// <summary>Columns of queries, keys and values side by side.</summary>
    public int Columns => QueryColumns + 2 * KeyColumns;
}

/// <summary>
/// Grouped-query causal self-attention with rotary positions. One product makes queries, keys and values side by side; scores
/// and their sums run as batched products over (sequence, head), leaving out the blocks that causality masks.
/// </summary>
/// <param name="shape">Heads.</param>
/// <param name="queryKeyValue">[features, <see cref="AttentionShape.Columns"/>].</param>
/// <param name="output">[<see cref="AttentionShape.QueryColumns"/>, features].</param>
/// <param name="rotary">Tables for at least the longest sequence.</param>
public sealed class CausalAttention(AttentionShape shape, Parameter queryKeyValue, Parameter output, RotaryTables rotary)
{
    private readonly Linear _project = new(queryKeyValue);
    private readonly Linear _output = new(output);
    private readonly AttentionProducts _products = new(shape);

    /// <summary><c>stream + attention(x)</c>.</summary>
    /// <param name="tape">The tape.</param>
    /// <param name="x">Normed rows, whole sequences one behind the other.</param>
    /// <param name="stream">The residual stream.</param>
    /// <param name="sequenceLength">Rows of a sequence.</param>
    public Tensor Forward(Tape tape, in Tensor x, in Tensor stream, int sequenceLength)
    {
        PhaseMark before = tape.Clock.Enter(Phase.Attention);
        Tensor qkv = _project.Forward(tape, x);
        Tensor mixed = tape.Create(x.Rows, shape.QueryColumns);
        Matrix probabilities = tape.NewMatrix(x.Rows * shape.Heads, sequenceLength);
        Rotate(tape, qkv.Value, sequenceLength, inverse: false);
        _products.HeadsTimesShared(tape.Device, Queries(qkv.Value), Keys(qkv.Value), probabilities, sequenceLength);
        tape.Device.CausalSoftmax(probabilities, sequenceLength, 1f / MathF.Sqrt(shape.HeadDim));
        _products.ScoresTimesShared(tape.Device, probabilities, Values(qkv.Value), mixed.Value, sequenceLength);
        if (tape.Record<Node>() is { } node)
        {
            node.Owner = this;
            node.Projected = qkv;
            node.Mixed = mixed;
            node.Probabilities = probabilities;
            node.SequenceLength = sequenceLength;
        }

        Tensor attended = _output.Forward(tape, mixed, stream);
        tape.Clock.Enter(before);
        return attended;
    }

    private Matrix Queries(in Matrix qkv) => qkv.SliceColumns(0, shape.QueryColumns);

    private Matrix Keys(in Matrix qkv) => qkv.SliceColumns(shape.QueryColumns, shape.KeyColumns);

    private Matrix Values(in Matrix qkv) => qkv.SliceColumns(shape.QueryColumns + shape.KeyColumns, shape.KeyColumns);

    private void Rotate(Tape tape, in Matrix qkv, int sequenceLength, bool inverse) =>
        tape.Device.Rotary(
            qkv.SliceColumns(0, shape.QueryColumns + shape.KeyColumns), rotary.Cosines, rotary.Sines, sequenceLength, inverse);

    private void Backward(Tape tape, Node node)
    {
        Matrix dMixed = tape.Gradient(node.Mixed);
        Matrix qkv = node.Projected.Value;
        Matrix dQkv = tape.GradientToWrite(node.Projected, out _);
        Matrix probabilities = node.Probabilities;
        Matrix dScores = tape.NewMatrix(probabilities.Rows, probabilities.Columns);
        int length = node.SequenceLength;
        _products.ScoresTransposedTimesHeads(tape.Device, probabilities, dMixed, Values(dQkv), length);
        _products.HeadsTimesShared(tape.Device, dMixed, Values(qkv), dScores, length);
        tape.Device.CausalSoftmaxGradient(probabilities, dScores, length, 1f / MathF.Sqrt(shape.HeadDim));
        _products.ScoresTimesShared(tape.Device, dScores, Keys(qkv), Queries(dQkv), length);
        _products.ScoresTransposedTimesHeads(tape.Device, dScores, Queries(qkv), Keys(dQkv), length);
        Rotate(tape, dQkv, length, inverse: true);
    }

    private sealed class Node : TapeNode
    {
        public CausalAttention Owner = null!;
        public Tensor Projected;
        public Tensor Mixed;
        public Matrix Probabilities;
        public int SequenceLength;

        protected internal override void Backward(Tape tape) => Owner.Backward(tape, this);
    }
}
