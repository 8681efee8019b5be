using MoEActors.Modules.Experts;
using MoEActors.Modules.Parameters;

namespace MoEActors.Tests.Kinds;

/// <summary>An expert with a name and tensors, which never computes.</summary>
internal sealed class NamedExpert(string name, params string[] tensors) : IExpertKind
{
    public string Name => name;

    public IReadOnlyList<ParameterShape> Layout(int dim, int hidden) => [.. tensors.Select(tensor => ParameterShape.Bias(tensor, dim))];

    public void Forward(ExpertBatch batch) => throw new NotSupportedException();

    public void Backward(ExpertBatch batch) => throw new NotSupportedException();
}
