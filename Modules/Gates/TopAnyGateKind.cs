using MoEActors.Modules.Parameters;

namespace MoEActors.Modules.Gates;

/// <summary>The <see cref="TopAnyGate"/>.</summary>
internal sealed class TopAnyGateKind : IGateKind
{
    public const string KindName = "top-any";

    /// <inheritdoc />
    public string Name => KindName;

    /// <inheritdoc />
    public IReadOnlyList<ParameterShape> Layout(GateOptions options, int dim, int experts) =>
        [GateTensors.Linear(dim, experts), .. GateTensors.BalanceBias(options, experts)];

    /// <inheritdoc />
    public IGate Create(GateOptions options, Func<string, Parameter> parameters) =>
        new TopAnyGate(options, parameters(GateTensors.Router), GateTensors.BalanceBias(options, parameters));
}
