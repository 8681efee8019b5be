using MoEActors.Modules.MixtureOfExperts;
using MoEActors.Modules.Parameters;

namespace MoEActors.Modules.Models;

/// <summary>The experts of one layer that a worker holds, and the exchange that brings rows to them.</summary>
/// <param name="Blocks">Their parameters, in the order of the exchange.</param>
/// <param name="Exchange">The exchange.</param>
public sealed record ResidentExperts(IReadOnlyList<ParameterBlock> Blocks, IExpertExchange Exchange);
