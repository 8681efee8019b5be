using MoEActors.Modules.Autograd;
using MoEActors.Modules.Experts;
using MoEActors.Modules.Gates;
using MoEActors.Modules.Layers;
using MoEActors.Modules.MixtureOfExperts;
using MoEActors.Modules.Parameters;
using MoEActors.Modules.Timing;

namespace MoEActors.Modules.Models;

/// <summary>One block of a decoder: <c>h = x + attention(norm(x))</c>, then <c>h + feedforward(norm(h))</c>.</summary>
internal sealed class DecoderLayer
{
    private readonly int _layer;
    private readonly RmsNorm _inputNorm;
    private readonly CausalAttention _attention;
    private readonly RmsNorm _postAttentionNorm;
    private readonly Feedforward? _dense;
    private MoELayer? _mixture;

    public DecoderLayer(ModelConfiguration model, int layer, ParameterBlock dense, RotaryTables rotary, IExpertExchange? exchange)
    {
        string prefix = ModelLayout.LayerPrefix(layer);
        _layer = layer;
        _inputNorm = new RmsNorm(dense[$"{prefix}input_norm"], model.RmsEpsilon);
        _attention = new CausalAttention(model.Attention, dense[$"{prefix}qkv_proj"], dense[$"{prefix}o_proj"], rotary);
        _postAttentionNorm = new RmsNorm(dense[$"{prefix}post_attention_norm"], model.RmsEpsilon);
        if (exchange is null)
        {
            _dense = new Feedforward(
                new SwiGluExpert(), MixtureLayers.Named(dense, prefix, ModelLayout.Feedforward(model))!);
        }
        else
        {
            _mixture = MixtureLayers.Create(model, layer, dense, exchange);
        }
    }

    /// <summary>The gate; null for a dense layer.</summary>
    public IGate? Gate => _mixture?.Gate;

    /// <summary>Reaches the experts otherwise.</summary>
    public void Rewire(IExpertExchange exchange) => _mixture = _mixture!.Rewired(exchange);

    public Tensor Forward(Tape tape, in Tensor stream, in AttentionRows rows, in RoutingContext context)
    {
        Tensor attended = _attention.Forward(tape, _inputNorm.ForwardToProducts(tape, stream), stream, rows);
        if (_mixture is null)
        {
            return _dense!.Forward(tape, _postAttentionNorm.ForwardToProducts(tape, attended), attended);
        }

        // Routers choose by fp32: a rounded score would send tokens elsewhere.
        Tensor normed = _postAttentionNorm.Forward(tape, attended);
        PhaseMark before = tape.Clock.Mark;
        tape.Clock.Enter(new PhaseMark(Phase.Gate, _layer));
        Tensor mixed = _mixture.Forward(tape, normed, attended, context.InLayer(_layer));
        tape.Clock.Enter(before);
        return mixed;
    }
}

/// <summary>
/// Runs a layer and keeps nothing of it but the residual stream that it ends in; backward runs it again for what it needs (Chen et al.,
/// arXiv 1604.06174). The second run has the same input, the same random numbers and the same exchanges in the same order on every worker, so
/// that results are the same to the last bit.
/// </summary>
internal static class LayerRecomputation
{
    /// <summary>The layer's output. The statistics of its routing stay valid; its activations do not.</summary>
    public static Tensor Forward(DecoderLayer layer, Tape tape, in Tensor stream, in AttentionRows rows, in RoutingContext context)
    {
        var output = new Tensor(tape.NewMatrix(stream.Rows, stream.Columns), stream.Slot);
        TapeMark mark = tape.Mark();
        bool recording = tape.Recording;
        tape.Recording = false;
        tape.Device.Copy(layer.Forward(tape, stream, rows, context).Value.Data, output.Value.Data);
        tape.Recording = recording;
        tape.Release(mark);
        if (tape.Record<Node>() is { } node)
        {
            node.Layer = layer;
            node.Stream = stream;
            node.Rows = rows;
            node.Context = context;
        }

        return output;
    }

    private sealed class Node : TapeNode
    {
        public DecoderLayer Layer = null!;
        public Tensor Stream;
        public AttentionRows Rows;
        public RoutingContext Context;

        protected internal override void Backward(Tape tape)
        {
            // Input and output are points of one residual stream and share a gradient, which the layers above have written: it lies before the mark.
            TapeMark mark = tape.Mark();
            Layer.Forward(tape, Stream, Rows, Context);
            tape.BackwardTo(mark);
            tape.Release(mark);
        }
    }
}
