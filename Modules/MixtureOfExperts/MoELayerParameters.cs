using MoEActors.Modules.Experts;
using MoEActors.Modules.Parameters;

namespace MoEActors.Modules.MixtureOfExperts;

/// <summary>The tensors that a MoE layer works with on one worker.</summary>
/// <param name="Experts">Tensors of the resident experts, in the order of the exchange.</param>
/// <param name="Shared">Tensors of an expert that sees every token, unweighted (shared) or mixed in (residual); null for none.</param>
/// <param name="Coefficient">[features, 2] of the residual form (DeepSpeed-MoE, arXiv 2201.05596, §4.1); null for the others.</param>
/// <param name="Parts">Which parts of the resident experts' gradients are kept apart; null for none.</param>
public sealed record MoELayerParameters(
    IReadOnlyList<IReadOnlyList<Parameter>> Experts, IReadOnlyList<Parameter>? Shared = null, Parameter? Coefficient = null,
    IGradientParts? Parts = null);
