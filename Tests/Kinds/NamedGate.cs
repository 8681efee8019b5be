using MoEActors.Modules.Gates;
using MoEActors.Modules.Parameters;

namespace MoEActors.Tests.Kinds;

/// <summary>A gate with a name and tensors, which never routes.</summary>
internal sealed class NamedGate(string name, params string[] tensors) : IGateKind
{
    public string Name => name;

    public IReadOnlyList<ParameterShape> Layout(GateOptions options, int dim, int experts) =>
        [.. tensors.Select(tensor => ParameterShape.Bias(tensor, dim))];

    public IGate Create(GateOptions options, Func<string, Parameter> parameters) => throw new NotSupportedException();
}
