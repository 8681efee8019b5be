using MoEActors.Modules.Autograd;
using MoEActors.Modules.Gates;

namespace MoEActors.Modules.Models;

/// <summary>
/// Runs a layer and keeps nothing of it but the residual stream that it ends in; backward runs it again for what it needs (Chen et al.,
/// arXiv 1604.06174). The second run has the same input, the same random numbers and the same exchanges in the same order on every worker, so
/// that results are the same to the last bit.
/// </summary>
internal static class LayerRecomputation
{
    /// <summary>The layer's output. Its routing on the host stays; its activations on the device are void.</summary>
    public static Tensor Forward(DecoderLayer layer, Tape tape, in Tensor stream, int sequenceLength, in RoutingContext context)
    {
        var output = new Tensor(tape.NewMatrix(stream.Rows, stream.Columns), stream.Slot);
        TapeMark mark = tape.Mark();
        bool recording = tape.Recording;
        tape.Recording = false;
        tape.Device.Copy(layer.Forward(tape, stream, sequenceLength, context).Value.Data, output.Value.Data);
        tape.Recording = recording;
        tape.Release(mark);
        if (tape.Record<Node>() is { } node)
        {
            node.Layer = layer;
            node.Stream = stream;
            node.SequenceLength = sequenceLength;
            node.Context = context;
        }

        return output;
    }

    private sealed class Node : TapeNode
    {
        public DecoderLayer Layer = null!;
        public Tensor Stream;
        public int SequenceLength;
        public RoutingContext Context;

        protected internal override void Backward(Tape tape)
        {
            // Input and output are points of one residual stream and share a gradient, which the layers above have written: it lies before the mark.
            TapeMark mark = tape.Mark();
            Layer.Forward(tape, Stream, SequenceLength, Context);
            tape.BackwardTo(mark);
            tape.Release(mark);
        }
    }
}
