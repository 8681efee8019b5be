using MoEActors.Modules.Autograd;
using MoEActors.Modules.Experts;
using MoEActors.Modules.Gates;
using MoEActors.Modules.Kinds;
using MoEActors.Modules.Parameters;
using MoEActors.Modules.Timing;

namespace MoEActors.Modules.MixtureOfExperts;

/// <summary>
/// A mixture-of-experts layer (Shazeer et al., arXiv 1701.06538): <c>y = Σⱼ wⱼ·expertⱼ(x)</c> over the experts that the gate chose. It routes,
/// permutes tokens into one buffer by expert, sends them through an <see cref="IExpertExchange"/>, runs the local experts as grouped products and
/// combines what returns. A shared expert adds its output unweighted; the residual form is <c>y = c₀·MoE(x) + c₁·MLP(x)</c> with
/// <c>(c₀, c₁) = softmax(x·Wc)</c>.
/// </summary>
/// <param name="kind">What an expert computes.</param>
/// <param name="gate">The gate.</param>
/// <param name="exchange">The exchange.</param>
/// <param name="parameters">The tensors beside those of experts and gate.</param>
public sealed class MoELayer(IExpertKind kind, IGate gate, IExpertExchange exchange, MoELayerParameters parameters)
{
    private readonly NamedExpert _kind = new(kind);
    private readonly ExpertBatch _experts = new();
    private readonly TokenPermutation _permutation = new();
    private readonly int _width = WidthOf(exchange);
    private readonly SharedExpert? _shared = parameters.Shared is null ? null : new SharedExpert(new NamedExpert(kind), parameters.Shared, parameters.Coefficient);

    /// <summary>The gate.</summary>
    public IGate Gate { get; } = gate;

    /// <summary>The same layer and gate with experts that are reached otherwise. The old one must not be used any more.</summary>
    /// <param name="otherExchange">The exchange that reaches them.</param>
    public MoELayer Rewired(IExpertExchange otherExchange) => new(kind, Gate, otherExchange, parameters);

    /// <summary><c>stream + y</c>, where <paramref name="stream"/> is a residual stream, or a zero tensor for y alone.</summary>
    /// <param name="tape">The tape.</param>
    /// <param name="x">[n, features] the tokens.</param>
    /// <param name="stream">[n, features] what y is added to.</param>
    /// <param name="context">What the gate needs of the micro-batch.</param>
    public Tensor Forward(Tape tape, in Tensor x, in Tensor stream, in RoutingContext context)
    {
        PhaseMark before = tape.Clock.Enter(Phase.Gate);
        Route(tape, x, context);
        Routing routing = Gate.Routing;

        // A gate of one's own need not know that its losses are means over the parts that have tokens.
        routing.Tokens = context.ValidCount;
        tape.Clock.Enter(Phase.Exchange);
        exchange.ExchangeCounts(tape, routing.Counts.Kept);
        tape.Clock.Enter(Phase.Gate);
        _permutation.Build(tape, routing, exchange.SendOrder, exchange.SendLengths);
        Matrix sent = tape.NewOperand(_permutation.Tokens.Length, x.Columns);
        tape.Device.GatherRows(x.Value, _permutation.Tokens, sent);
        tape.Clock.Enter(Phase.Exchange);
        Matrix arrived = exchange.Dispatch(tape, sent);
        IReadOnlyList<IReadOnlyList<Parameter>> experts = exchange.BringExperts(tape);
        tape.Clock.Enter(Phase.Experts);
        Matrix computed = tape.NewOperand(arrived.Rows, x.Columns);
        _experts.Begin(tape, experts, exchange.SegmentLengths, exchange.Sources, arrived, computed, Accumulation.Store, exchange.Parts);
        _kind.Forward(_experts);
        tape.Clock.Enter(Phase.Exchange);
        Matrix returned = exchange.Combine(tape, computed);
        tape.Clock.Enter(Phase.Gate);
        Tensor y = tape.Continue(stream);
        if (_shared is { IsResidual: true })
        {
            Matrix mixture = tape.NewMatrix(x.Rows, x.Columns);
            tape.Device.CombineRows(returned, _permutation.Slots, routing.K, routing.Weights, mixture, Accumulation.Store);
            _shared.AddResidual(tape, x, mixture, y);
        }
        else
        {
            tape.Device.CombineRows(returned, _permutation.Slots, routing.K, routing.Weights, y.Value, Accumulation.Add);
            _shared?.AddShared(tape, x, y);
        }

        if (tape.Record<Node>() is { } node)
        {
            node.Owner = this;
            node.X = x;
            node.Y = y;
            node.Returned = returned;
        }

        tape.Clock.Enter(before);
        return y;
    }

    private void Backward(Tape tape, Node node)
    {
        Routing routing = Gate.Routing;
        Matrix dMixture = tape.Gradient(node.Y);
        if (_shared is not null)
        {
            dMixture = _shared.Backward(tape, node.X, dMixture);
        }

        // Gradients of the rows go into the memory of the rows: nothing reads those again.
        DeviceSpan<float> dWeights = tape.Arena.Take<float>(node.X.Rows * routing.K);
        tape.Device.CombineRowsGradient(
            dMixture, node.Returned, _permutation.Slots, routing.K, routing.Weights, node.Returned, dWeights);
        tape.Clock.Enter(Phase.Exchange);
        Matrix dComputed = exchange.Dispatch(tape, node.Returned);
        tape.Clock.Enter(Phase.Experts);
        Matrix dArrived = tape.NewOperand(dComputed.Rows, dComputed.Columns);
        _experts.BeginBackward(dComputed, dArrived, Accumulation.Store);
        _kind.Backward(_experts);
        _experts.EndBackward();
        tape.Clock.Enter(Phase.Exchange);
        exchange.Parts?.End();
        Matrix dSent = exchange.Combine(tape, dArrived);
        tape.Clock.Enter(Phase.Gate);
        Matrix dx = tape.GradientToWrite(node.X, out Accumulation accumulation);
        tape.Device.CombineRows(dSent, _permutation.Slots, routing.K, DeviceSpan<float>.Empty, dx, accumulation);
        try
        {
            Gate.Backward(tape, dWeights);
        }
        catch (Exception e) when (KindException.Names(tape.Device, e))
        {
            throw OfGate(tape, KindPhase.Backward, e);
        }
    }

    private void Route(Tape tape, in Tensor x, in RoutingContext context)
    {
        try
        {
            Routing routing = Gate.Routing;
            routing.Begin(tape, context.Statistics);
            Gate.Forward(tape, x, context);
            if (routing.Experts != _width)
            {
                throw new InvalidOperationException($"It is as wide as {routing.Experts} experts in a layer of {_width}.");
            }

            if (routing.IsOpen)
            {
                throw new InvalidOperationException($"It gave no slots: {nameof(Routing)}.{nameof(Routing.AssignSlots)} was not called.");
            }
        }
        catch (Exception e) when (KindException.Names(tape.Device, e))
        {
            throw OfGate(tape, KindPhase.Forward, e);
        }
    }

    /// <summary>Experts of the layer: each is in the order in which rows leave.</summary>
    private static int WidthOf(IExpertExchange exchange)
    {
        int last = -1;
        foreach (int expert in exchange.SendOrder)
        {
            last = Math.Max(last, expert);
        }

        return last + 1;
    }

    private KindException OfGate(Tape tape, KindPhase phase, Exception cause) =>
        KindException.Of("gate", Gate.Options.Kind, phase, tape.Clock.Mark.Layer, cause);

    private sealed class Node : TapeNode
    {
        public MoELayer Owner = null!;
        public Tensor X;
        public Tensor Y;
        public Matrix Returned;

        protected internal override void Backward(Tape tape) => Owner.Backward(tape, this);
    }
}

/// <summary>The tensors of a MoE layer that every worker holds, beside the gate's.</summary>
/// <param name="Shared">Tensors of an expert that computes every token, unweighted (shared) or mixed in (residual); null for none.</param>
/// <param name="Coefficient">[features, 2] of the residual form (DeepSpeed-MoE, arXiv 2201.05596, §4.1); null for the others.</param>
public sealed record MoELayerParameters(IReadOnlyList<Parameter>? Shared = null, Parameter? Coefficient = null);
