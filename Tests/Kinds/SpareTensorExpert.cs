using MoEActors.Examples;
using MoEActors.Modules.Experts;
using MoEActors.Modules.Parameters;

namespace MoEActors.Tests.Kinds;

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
