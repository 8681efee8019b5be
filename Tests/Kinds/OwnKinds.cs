using MoEActors.Examples;
using MoEActors.Modules.Autograd;
using MoEActors.Modules.Experts;
using MoEActors.Modules.Gates;
using MoEActors.Modules.Parameters;
using MoEActors.Native.Memory;

namespace MoEActors.Tests.Kinds;

/// <summary>An expert with a name and tensors, which never computes.</summary>
internal sealed class NamedExpert(string name, params string[] tensors) : IExpertKind
{
    public string Name => name;

    public IReadOnlyList<ParameterShape> Layout(int dim, int hidden) => [.. tensors.Select(tensor => ParameterShape.Bias(tensor, dim))];

    public void Forward(ExpertBatch batch) => throw new NotSupportedException();

    public void Backward(ExpertBatch batch) => throw new NotSupportedException();
}

/// <summary>An expert with a tensor that never gets a gradient, and whose other gradients may come in several sums.</summary>
/// <param name="sums">How often it adds them.</param>
internal sealed class SpareTensorExpert(int sums) : IExpertKind
{
    private readonly SquaredReluExpert _inner = new();

    public string Name => $"spare-{sums}";

    public IReadOnlyList<ParameterShape> Layout(int dim, int hidden) => [.. _inner.Layout(dim, hidden), ParameterShape.Bias("spare", 5)];

    public void Forward(ExpertBatch batch) => _inner.Forward(batch);

    public void Backward(ExpertBatch batch)
    {
        for (int i = 0; i < sums; i++)
        {
            _inner.Backward(batch);
        }
    }
}

/// <summary>A gate with a name and tensors, which never routes.</summary>
internal sealed class NamedGate(string name, params string[] tensors) : IGateKind
{
    public string Name => name;

    public IReadOnlyList<ParameterShape> Layout(GateOptions options, int dim, int experts) =>
        [.. tensors.Select(tensor => ParameterShape.Bias(tensor, dim))];

    public IGate Create(GateOptions options, Func<string, Parameter> parameters) => throw new NotSupportedException();
}

/// <summary>Scores of one's own: squared sigmoids, over the ordinary router and selection.</summary>
internal sealed class SquaredSigmoidGate : IGateKind
{
    public string Name => "squared-sigmoid";

    public IReadOnlyList<ParameterShape> Layout(GateOptions options, int dim, int experts) =>
        [ParameterShape.Weight("router_in", dim, experts, 1f / MathF.Sqrt(dim))];

    public IGate Create(GateOptions options, Func<string, Parameter> parameters) =>
        new Gate(options, new LinearRouter(parameters("router_in")), new TokenChoice(), scores: new Scores());

    private sealed class Scores : IScores
    {
        private Matrix _sigmoid;

        public bool NeedSum => true;

        public void Forward(Tape tape, in Matrix logits, in Matrix scores, DeviceSpan<float> logSumExp)
        {
            _sigmoid = tape.NewMatrix(logits.Rows, logits.Columns);
            tape.Device.Sigmoid(logits, _sigmoid, logSumExp);
            tape.Device.Multiply(_sigmoid, _sigmoid, scores);
        }

        public void Backward(Tape tape, in Matrix scores, in Matrix dScores, in Matrix dLogits)
        {
            tape.Device.Multiply(dScores, _sigmoid, dLogits);
            tape.Device.Scale(dLogits.Data, 2);
            tape.Device.SigmoidGradient(_sigmoid, dLogits, dLogits);
        }
    }
}

/// <summary>A squared ReLU that says where its hidden units are.</summary>
/// <param name="byWidth">Whether their number takes part, so that it is no sum over them.</param>
internal sealed class CutExpert(bool byWidth) : IExpertKind
{
    private readonly SquaredReluExpert _inner = new();

    public string Name => "cut";

    public IReadOnlyList<ParameterShape> Layout(int dim, int hidden) =>
    [
        _inner.Layout(dim, hidden)[0] with { Hidden = HiddenAxis.Columns },
        _inner.Layout(dim, hidden)[1] with { Hidden = HiddenAxis.Rows },
    ];

    public void Forward(ExpertBatch batch)
    {
        _inner.Forward(batch);
        if (byWidth)
        {
            batch.Tape.Device.Scale(batch.Saved(1), 1f / batch.ColumnsOf(0));
            batch.Multiply(batch.Saved(1), 1, batch.Output, Accumulation.Add);
        }
    }

    public void Backward(ExpertBatch batch) => _inner.Backward(batch);
}
