using MoEActors.Modules.Parameters;

namespace MoEActors.Modules.Gates;

/// <summary>
/// The top-any gate (Tutel, arXiv 2206.03382, §3): scores of <c>x·Wg</c> in fp32, the k best of each token, k free from step to step.
/// With sigmoid scores and a bias it is the gate of DeepSeek-V3.
/// </summary>
/// <param name="options">The policy.</param>
/// <param name="router">Wg, [features, experts].</param>
/// <param name="bias">[1, experts] of bias balancing; null for none.</param>
public sealed class TopAnyGate(GateOptions options, Parameter router, Parameter? bias = null)
    : Gate(options, new LinearRouter(router), new TokenChoice(), bias);
