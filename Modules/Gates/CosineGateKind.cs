using MoEActors.Modules.Parameters;

namespace MoEActors.Modules.Gates;

/// <summary>Token choice over a <see cref="CosineRouter"/>.</summary>
internal sealed class CosineGateKind : IGateKind
{
    /// <inheritdoc />
    public string Name => "cosine";

    /// <inheritdoc />
    public IReadOnlyList<ParameterShape> Layout(GateOptions options, int dim, int experts) =>
    [
        ParameterShape.Weight(GateTensors.Projection, dim, options.ProjectionDim, 1f / MathF.Sqrt(dim)),
        ParameterShape.Weight(GateTensors.Embedding, experts, options.ProjectionDim, 1f / MathF.Sqrt(options.ProjectionDim)),
        new ParameterShape(GateTensors.Temperature, 1, 1, InitialValue.Constant(CosineRouter.InitialTemperature), Decays: false),
        .. GateTensors.BalanceBias(options, experts),
    ];

    /// <inheritdoc />
    public IGate Create(GateOptions options, Func<string, Parameter> parameters) => new Gate(
        options,
        new CosineRouter(parameters(GateTensors.Projection), parameters(GateTensors.Embedding), parameters(GateTensors.Temperature)),
        new TokenChoice(),
        GateTensors.BalanceBias(options, parameters));

    /// <inheritdoc />
    public IEnumerable<string> Mistakes(GateOptions options)
    {
        if (options.ProjectionDim < 1)
        {
            yield return $"{nameof(options.ProjectionDim)} is {options.ProjectionDim}; it must be at least 1.";
        }
    }
}
