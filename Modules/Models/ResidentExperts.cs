using MoEActors.Modules.Experts;
using MoEActors.Modules.MixtureOfExperts;
using MoEActors.Modules.Parameters;

namespace MoEActors.Modules.Models;

/// <summary>The experts of one layer that a worker holds, and the exchange that brings rows to them.</summary>
/// <param name="Blocks">Their parameters, in the order of the exchange.</param>
/// <param name="Exchange">The exchange.</param>
/// <param name="Parts">Which parts of their gradients are kept apart; null for none.</param>
public sealed record ResidentExperts(IReadOnlyList<ParameterBlock> Blocks, IExpertExchange Exchange, IGradientParts? Parts = null);
