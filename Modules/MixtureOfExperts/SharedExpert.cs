using MoEActors.Modules.Autograd;
using MoEActors.Modules.Experts;
using MoEActors.Modules.Parameters;
using MoEActors.Modules.Timing;

namespace MoEActors.Modules.MixtureOfExperts;

/// <summary>
/// The expert that computes every token of this worker, beside the routed ones: added unweighted, or mixed in by learnt coefficients
/// (the residual form). It is part of the dense parameters and never travels.
/// </summary>
internal sealed class SharedExpert(NamedExpert kind, IReadOnlyList<Parameter> parameters, Parameter? coefficient)
{
    private readonly ExpertBatch _batch = new();
    private readonly IReadOnlyList<Parameter>[] _experts = [parameters];
    private readonly int[] _rows = new int[1];
    private Matrix _mixture;
    private Matrix _output;
    private Matrix _coefficients;

    /// <summary>Whether the output is mixed in by coefficients.</summary>
    public bool IsResidual => coefficient is not null;

    /// <summary><c>y += expert(x)</c>.</summary>
    public void AddShared(Tape tape, in Tensor x, in Tensor y) => Run(tape, x.Value, y.Value, Accumulation.Add);

    /// <summary><c>y += c₀·mixture + c₁·expert(x)</c>.</summary>
    public void AddResidual(Tape tape, in Tensor x, in Matrix mixture, in Tensor y)
    {
        _mixture = mixture;
        _output = tape.NewMatrix(x.Rows, x.Columns);
        Run(tape, x.Value, _output, Accumulation.Store);
        _coefficients = tape.NewMatrix(x.Rows, 2);
        tape.Device.MatMul(x.Value, coefficient!.Value, _coefficients);
        tape.Device.Softmax(_coefficients, _coefficients, DeviceSpan<float>.Empty);
        Matrix mixed = tape.NewMatrix(x.Rows, x.Columns);
        tape.Device.MixRows(mixture, _output, _coefficients, mixed);
        tape.Device.Add(mixed.Data, y.Value.Data);
    }

    /// <summary>Adds the gradients of the expert, the coefficients and x.</summary>
    /// <returns>The gradient of the routed experts' part of y.</returns>
    public Matrix Backward(Tape tape, in Tensor x, in Matrix dy)
    {
        PhaseMark before = tape.Clock.Enter(Phase.Dense);
        Matrix dMixture = dy;
        Matrix dOutput = dy;
        Matrix dx = tape.GradientToWrite(x, out Accumulation accumulation);
        if (IsResidual)
        {
            dMixture = tape.NewMatrix(dy.Rows, dy.Columns);
            dOutput = tape.NewMatrix(dy.Rows, dy.Columns);
            Matrix dCoefficients = tape.NewMatrix(dy.Rows, 2);
            tape.Device.MixRowsGradient(_mixture, _output, _coefficients, dy, dMixture, dOutput, dCoefficients);
            tape.Device.SoftmaxGradient(_coefficients, dCoefficients, dCoefficients);
            tape.Device.MatMul(x.Value.T, dCoefficients, coefficient!.Gradient, Accumulation.Add);
            tape.Device.MatMul(dCoefficients, coefficient.Value.T, dx, accumulation);
            accumulation = Accumulation.Add;
        }

        _batch.BeginBackward(tape.Operand(dOutput), dx, accumulation);
        kind.Backward(_batch);
        tape.Clock.Enter(before);
        return dMixture;
    }

    private void Run(Tape tape, in Matrix x, in Matrix output, Accumulation accumulation)
    {
        PhaseMark before = tape.Clock.Enter(Phase.Dense);
        _rows[0] = x.Rows;
        _batch.Begin(tape, _experts, _rows, 1, tape.Operand(x), output, accumulation);
        kind.Forward(_batch);
        tape.Clock.Enter(before);
    }
}

/// <summary>A dense feed-forward block: one expert that computes every token.</summary>
/// <param name="kind">What it computes.</param>
/// <param name="parameters">Its tensors.</param>
public sealed class Feedforward(IExpertKind kind, IReadOnlyList<Parameter> parameters)
{
    private readonly SharedExpert _expert = new(new NamedExpert(kind), parameters, coefficient: null);

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
