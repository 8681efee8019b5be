using MoEActors.Modules.Parameters;

namespace MoEActors.Modules.Gates;

/// <summary><see cref="ExpertChoice"/> over a linear router.</summary>
internal sealed class ExpertChoiceGateKind : IGateKind
{
    /// <inheritdoc />
    public string Name => "expert-choice";

    /// <inheritdoc />
    public IReadOnlyList<ParameterShape> Layout(GateOptions options, int dim, int experts) => [GateTensors.Linear(dim, experts)];

    /// <inheritdoc />
    public IGate Create(GateOptions options, Func<string, Parameter> parameters) =>
        new Gate(options, new LinearRouter(parameters(GateTensors.Router)), new ExpertChoice());

    /// <inheritdoc />
    public IEnumerable<string> Mistakes(GateOptions options) => new ExpertChoice().Mistakes(options);
}
