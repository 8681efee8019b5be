using MoEActors.Modules.Kinds;
using MoEActors.Modules.Parameters;

namespace MoEActors.Modules.Gates;

/// <summary>The gates of the library.</summary>
internal static class GateKinds
{
    public static KindList<IGateKind> BuiltIn { get; } = new("gate", new TopKGateKind(), new CosineGateKind(), new ExpertChoiceGateKind());
}

/// <summary>
/// Top-k routing (Shazeer et al., arXiv 1701.06538) with k free from step to step (the top-any gate of Tutel, arXiv 2206.03382, §3): scores of
/// <c>x·Wg</c> in fp32, the k best of each token.
/// With sigmoid scores and a bias it is the gate of DeepSeek-V3.
/// </summary>
/// <param name="options">The policy.</param>
/// <param name="router">Wg, [features, experts].</param>
/// <param name="bias">[1, experts] of bias balancing; null for none.</param>
public sealed class TopKGate(GateOptions options, Parameter router, Parameter? bias = null)
    : Gate(options, new LinearRouter(router), new TokenChoice(), bias);

/// <summary>The <see cref="TopKGate"/>; configurations call it <c>top-any</c>, as Tutel does.</summary>
internal sealed class TopKGateKind : IGateKind
{
    public const string KindName = "top-any";

    public string Name => KindName;

    public IReadOnlyList<ParameterShape> Layout(GateOptions options, int dim, int experts) =>
        [GateTensors.Linear(dim, experts), .. GateTensors.BalanceBias(options, experts)];

    public IGate Create(GateOptions options, Func<string, Parameter> parameters) =>
        new TopKGate(options, parameters(GateTensors.Router), GateTensors.BalanceBias(options, parameters));
}

/// <summary>Token choice over a <see cref="CosineRouter"/>.</summary>
internal sealed class CosineGateKind : IGateKind
{
    public string Name => "cosine";

    public IReadOnlyList<ParameterShape> Layout(GateOptions options, int dim, int experts) =>
    [
        ParameterShape.Weight(GateTensors.Projection, dim, options.ProjectionDim, 1f / MathF.Sqrt(dim)) with { IsOperand = false },
        ParameterShape.Weight(GateTensors.Embedding, experts, options.ProjectionDim, 1f / MathF.Sqrt(options.ProjectionDim)) with { IsOperand = false },
        new ParameterShape(GateTensors.Temperature, 1, 1, InitialValue.Constant(CosineRouter.InitialTemperature), Decays: false),
        .. GateTensors.BalanceBias(options, experts),
    ];

    public IGate Create(GateOptions options, Func<string, Parameter> parameters) => new Gate(
        options,
        new CosineRouter(parameters(GateTensors.Projection), parameters(GateTensors.Embedding), parameters(GateTensors.Temperature)),
        new TokenChoice(),
        GateTensors.BalanceBias(options, parameters));

    public IEnumerable<string> Errors(GateOptions options) => ConfigurationErrors.Of(
        (options.ProjectionDim < 1, $"{nameof(options.ProjectionDim)} is {options.ProjectionDim}; it must be at least 1."));
}

/// <summary><see cref="ExpertChoice"/> over a linear router.</summary>
internal sealed class ExpertChoiceGateKind : IGateKind
{
    public string Name => "expert-choice";

    public IReadOnlyList<ParameterShape> Layout(GateOptions options, int dim, int experts) => [GateTensors.Linear(dim, experts)];

    public IGate Create(GateOptions options, Func<string, Parameter> parameters) =>
        new Gate(options, new LinearRouter(parameters(GateTensors.Router)), new ExpertChoice());

    public IEnumerable<string> Errors(GateOptions options) => new ExpertChoice().Errors(options);
}

/// <summary>Names of a gate's tensors within a layer, and the shapes that several gates share.</summary>
internal static class GateTensors
{
    public const string Router = "router";
    public const string Bias = "router_bias";
    public const string Projection = "router_projection";
    public const string Embedding = "router_embedding";
    public const string Temperature = "router_temperature";

    /// <summary>Wg.</summary>
    public static ParameterShape Linear(int dim, int experts) => ParameterShape.Weight(Router, dim, experts, 1f / MathF.Sqrt(dim)) with { IsOperand = false };

    /// <summary>Sigmoid scores come with a bias, which stays zero unless it is updated.</summary>
    public static IEnumerable<ParameterShape> BalanceBias(GateOptions options, int experts) =>
        options.Scores == GateScores.Sigmoid ? [ParameterShape.State(Bias, experts)] : [];

    /// <summary>That bias; null without one.</summary>
    public static Parameter? BalanceBias(GateOptions options, Func<string, Parameter> parameters) =>
        options.Scores == GateScores.Sigmoid ? parameters(Bias) : null;
}
