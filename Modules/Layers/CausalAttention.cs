using MoEActors.Modules.Autograd;
using MoEActors.Modules.Parameters;
using MoEActors.Modules.Timing;
using MoEActors.Native.Operations;

namespace MoEActors.Modules.Layers;

/// <summary>Rows as attention sees them: whole sequences of one length, one behind the other.</summary>
/// <param name="Length">Rows of a sequence.</param>
/// <param name="FirstKeys">[rows]: the position in its sequence of the first row that a row sees, which begins its document; empty when every sequence is one document.</param>
public readonly record struct AttentionRows(int Length, DeviceSpan<int> FirstKeys = default);

/// <summary>
/// Grouped-query causal self-attention with rotary positions. One product makes queries, keys and values side by side; what comes of them is one
/// operation of the device.
/// </summary>
/// <param name="shape">Heads.</param>
/// <param name="queryKeyValue">[features, <see cref="AttentionShape.Columns"/>].</param>
/// <param name="output">[<see cref="AttentionShape.QueryColumns"/>, features].</param>
/// <param name="rotary">Tables for at least the longest sequence.</param>
public sealed class CausalAttention(AttentionShape shape, Parameter queryKeyValue, Parameter output, RotaryTables rotary)
{
    private readonly Linear _project = new(queryKeyValue);
    private readonly Linear _output = new(output);
    private readonly float _scale = 1f / MathF.Sqrt(shape.HeadDim);

    /// <summary><c>stream + attention(x)</c>.</summary>
    /// <param name="tape">The tape.</param>
    /// <param name="x">Normed rows.</param>
    /// <param name="stream">The residual stream.</param>
    /// <param name="rows">What the rows are.</param>
    public Tensor Forward(Tape tape, in Tensor x, in Tensor stream, in AttentionRows rows)
    {
        PhaseMark before = tape.Clock.Enter(Phase.Attention);
        Tensor qkv = _project.Forward(tape, x);
        Tensor mixed = tape.Create(x.Rows, shape.QueryColumns);
        AttentionMemory memory = tape.Device.AttentionMemory(shape, x.Rows, rows.Length);
        DeviceSpan<float> state = tape.Arena.Take<float>(memory.State);
        Rotate(tape, qkv.Value, rows.Length, inverse: false);
        tape.Device.Attention(
            shape, Queries(qkv.Value), Keys(qkv.Value), Values(qkv.Value), rows.FirstKeys, rows.Length, _scale, mixed.Value, state);
        if (tape.Record<Node>() is { } node)
        {
            node.Owner = this;
            node.Projected = qkv;
            node.Mixed = mixed;
            node.State = state;
            node.Scratch = memory.Scratch;
            node.Rows = rows;
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
        DeviceSpan<float> scratch = tape.Arena.Take<float>(node.Scratch);
        tape.Device.AttentionGradient(
            shape, Queries(qkv), Keys(qkv), Values(qkv), node.Rows.FirstKeys, node.Rows.Length, _scale, node.Mixed.Value, node.State, dMixed,
            Queries(dQkv), Keys(dQkv), Values(dQkv), scratch);
        Rotate(tape, dQkv, node.Rows.Length, inverse: true);
    }

    private sealed class Node : TapeNode
    {
        public CausalAttention Owner = null!;
        public Tensor Projected;
        public Tensor Mixed;
        public DeviceSpan<float> State;
        public long Scratch;
        public AttentionRows Rows;

        protected internal override void Backward(Tape tape) => Owner.Backward(tape, this);
    }
}
