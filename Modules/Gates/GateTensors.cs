using MoEActors.Modules.Parameters;

namespace MoEActors.Modules.Gates;

/// <summary>Names of a gate's tensors within a layer, and the shapes that several gates share.</summary>
internal static class GateTensors
{
    public const string Router = "router";
    public const string Bias = "router_bias";
    public const string Projection = "router_projection";
    public const string Embedding = "router_embedding";
    public const string Temperature = "router_temperature";

    /// <summary>Wg.</summary>
    public static ParameterShape Linear(int dim, int experts) => ParameterShape.Weight(Router, dim, experts, 1f / MathF.Sqrt(dim));

    /// <summary>Sigmoid scores come with a bias, which stays zero unless it is updated.</summary>
    public static IEnumerable<ParameterShape> BalanceBias(GateOptions options, int experts) =>
        options.Scores == GateScores.Sigmoid ? [ParameterShape.State(Bias, experts)] : [];

    /// <summary>That bias; null without one.</summary>
    public static Parameter? BalanceBias(GateOptions options, Func<string, Parameter> parameters) =>
        options.Scores == GateScores.Sigmoid ? parameters(Bias) : null;
}
